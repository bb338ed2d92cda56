"""A text word by word, behind the types of entities that are looked for in it: what a GLiNER model reads. Pure.

Words are gliner's (0.2.29, WhitespaceTokenSplitter), and each is tokenised by itself. A word of which the tokenizer
leaves nothing, such as a lone zero-width space, is none; gliner counts it, and names wrong places behind it.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

import msgspec
import numpy as np
from tokenizers import Tokenizer as Backend

from ..config import MAX_TEXTS_PER_REQUEST
from ..errors import InputTooLong, TooManyInputs, TooManyTokens
from ..sizes import MAX_SPAN_SCORES_PER_INPUT
from ..spans.places import count_spans
from ..spans.settings import SpanSettings
from .encoded import EncodedText, Frame, Ids, Offsets, to_ids

WORD = re.compile(r"\w+(?:[-_]\w+)*|\S")
LEAST_ROOM = 4  # a window of the text has at least this part of the model's tokens


class TypedText(EncodedText, frozen=True, kw_only=True, eq=False, gc=False):
    """A window of a text behind types of entities, W words and C types."""

    words_at: Ids
    """[W]: the place of each word's first token among `ids`."""
    types_at: Ids
    """[C]: the place of the token whose vector is the type's."""
    characters: Offsets
    """[W, 2]: a word's first character and the one behind its last."""
    first_word: int
    """Which word of the whole text its first one is."""
    max_width: int
    """Most words of an entity."""

    @property
    def key(self) -> tuple[object, ...]:
        """Texts of which a model says the same have equal keys."""
        return *super().key, self.words_at.tobytes(), self.types_at.tobytes()

    @property
    def num_spans(self) -> int:
        """Spans of words that may be entities."""
        return count_spans(len(self.words_at), self.max_width)

    @property
    def num_scores(self) -> int:
        """Numbers that a model says of it: one for each span and type."""
        return self.num_spans * len(self.types_at)


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """The words of a whole text."""

    ids: list[Ids]
    """The tokens of each word, at least one."""
    characters: Offsets
    """[W, 2]"""


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """What stands before every window of a text, and how much of the text one takes."""

    ids: Ids
    """The frame's own tokens, the types', and the one before the text."""
    types_at: Ids
    """[C]: where among `ids` the token is whose vector is the type's."""
    room: int
    """Tokens of the text that a window takes."""
    settings: SpanSettings


class TypedReader:
    """Reads texts with one tokenizer."""

    def __init__(self, backend: Backend, frame: Frame) -> None:
        self._backend = backend
        self._frame = frame

    def read(self, text: str, types: Sequence[str], settings: SpanSettings, max_tokens: int) -> list[TypedText]:
        """Return the windows of a text, in order; at least one.

        Raises InputTooLong for types that leave too few tokens to the text, TooManyInputs and TooManyTokens for a text
        of too many windows or spans.
        """
        prompt = self._prompt(types, settings, max_tokens)
        words = self._words(text, settings)
        windows = list(cut_windows([len(ids) for ids in words.ids], prompt.room, settings))
        check_windows([end - first for first, end in windows], len(types), settings)
        return [self._put_together(words, first, end, prompt) for first, end in windows]

    def _prompt(self, types: Sequence[str], settings: SpanSettings, max_tokens: int) -> Prompt:
        parts = [part for each in types for part in (settings.type_token, each)]
        encoding = self._encode([*parts, settings.text_token])
        places = np.searchsorted(_word_numbers(encoding), np.arange(0, len(parts), 2))
        places += len(self._frame.before) + (not settings.reads_type_token)
        ids = np.concatenate([self._frame.before, to_ids(encoding.ids)])
        room, least = max_tokens - len(ids) - len(self._frame.after), max(1, max_tokens // LEAST_ROOM)
        if room < least:
            raise InputTooLong(
                f"the {len(types)} labels have {len(encoding.ids)} tokens and leave {max(0, room)} of {max_tokens} for "
                f"the text, which needs {least}: send fewer or shorter labels, in several requests; about "
                f"{len(types) * (len(encoding.ids) + room - least) // len(encoding.ids)} of this length fit into one",
                "/parameters/candidate_labels",
            )
        return Prompt(ids=ids, types_at=places.astype(np.int32), room=room, settings=settings)

    def _words(self, text: str, settings: SpanSettings) -> Words:
        found = list(WORD.finditer(text))
        check_count(len(found), settings)
        encoding = self._encode([match.group() for match in found])
        numbers, starts = np.unique(_word_numbers(encoding), return_index=True)
        ids = np.split(to_ids(encoding.ids), starts[1:]) if len(numbers) else []
        places = [match.span() for match in found]
        return Words(ids=ids, characters=np.array(places, np.int32).reshape(-1, 2)[numbers])

    def _encode(self, words: list[str]) -> Any:
        self._backend.no_truncation()
        return self._backend.encode(words, is_pretokenized=True, add_special_tokens=False)

    def _put_together(self, words: Words, first: int, end: int, prompt: Prompt) -> TypedText:
        """Return the window of the words from `first` until before `end`."""
        whole = words.ids[first:end]
        kept = [ids[: prompt.room] for ids in whole]  # a word that fills a window is alone in it
        starts = [*accumulate(map(len, kept), initial=len(prompt.ids))]
        ids = np.concatenate([prompt.ids, *kept, self._frame.after])
        return TypedText(
            ids=ids,
            type_ids=np.zeros(len(ids), np.int8),
            num_tokens_uncut=len(ids) + sum(map(len, whole)) - sum(map(len, kept)),
            words_at=to_ids(starts[:-1]),
            types_at=prompt.types_at,
            characters=words.characters[first:end],
            first_word=first,
            max_width=prompt.settings.max_width,
        )


def _word_numbers(encoding: Any) -> Ids:
    """Return which word each token is of."""
    return np.array(encoding.word_ids, np.int32)


def cut_windows(lengths: Sequence[int], room: int, settings: SpanSettings) -> Iterator[tuple[int, int]]:
    """Yield the first word of each window and the one behind its last; `lengths`: tokens of each word.

    A window has as many words as fit, at least one. The next one begins `overlap_words` before its end, or half of its
    words, or as few as leave room for the next word.
    """
    totals = [*accumulate(lengths, initial=0)]
    first, end = 0, 0
    while True:
        end = max(end + 1, first + 1)
        while end < len(lengths) and end - first < settings.max_words and totals[end + 1] - totals[first] <= room:
            end += 1
        end = min(end, len(lengths))
        yield first, end
        if end >= len(lengths):
            return
        first = end - min(settings.overlap_words, (end - first) // 2)
        while first < end and totals[end + 1] - totals[first] > room:
            first += 1


def check_count(num_words: int, settings: SpanSettings) -> None:
    """Refuse a text of more words than all windows of a request hold."""
    most = MAX_TEXTS_PER_REQUEST * settings.max_words
    if num_words > most:
        raise TooManyInputs(f"the text has {num_words} words, and {most} are the most for a request: shorten it")


def check_windows(lengths: Sequence[int], num_types: int, settings: SpanSettings) -> None:
    """Refuse more windows, or more scores of spans, than there may be for an input; `lengths`: words of each window."""
    if len(lengths) > MAX_TEXTS_PER_REQUEST:
        raise TooManyInputs(
            f"the text would be read in {len(lengths)} windows, and {MAX_TEXTS_PER_REQUEST} are the most for a "
            "request: shorten it"
        )
    scores = num_types * sum(count_spans(length, settings.max_width) for length in lengths)
    if scores > MAX_SPAN_SCORES_PER_INPUT:
        raise TooManyTokens(
            f"the text and its {num_types} labels have {scores} scores of spans, and {MAX_SPAN_SCORES_PER_INPUT} are "
            "the most: shorten the text, or send fewer labels in several requests"
        )
