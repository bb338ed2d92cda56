"""Texts to token ids, in windows or cut. It knows tokenizers, not torch tensors and not the wire."""

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
from tokenizers import Tokenizer as Backend
from transformers import AutoTokenizer

from ..config import MAX_MASKS_PER_INPUT, MAX_TEXTS_PER_REQUEST
from ..errors import InputTooLong, InternalError, InvalidInput, NotNow, RequestError, TooManyInputs
from ..payload import Token
from ..wire import quote
from .encoded import (
    BARE,
    NOTHING,
    EncodedText,
    Framed,
    Tokens,
    hold_places,
    hold_tokens,
    make_frame,
    put_together,
    read_window,
    share_room,
    to_ids,
)
from .marks import frame_marked
from .passages import Cut, Layout, Passages, TextPair
from .static import load_config
from .words import TypedReader

logger = logging.getLogger(__name__)

# tokenizers keeps over 100 bytes for each token while it encodes: a batch of 64 long texts would take gigabytes.
PART_CHARACTERS = 500_000
NOT_TOKENISED = "a text could not be tokenised; the server's log says why"
SEND_OWN_IDS = (
    "send the text (LangChain's OpenAIEmbeddings: check_embedding_ctx_length=False), or ids of this model's own "
    "tokenizer with its special tokens and no padding"
)
NO_PAIRS = (
    "this model reads one text at a time: its tokenizer marks the second text of a pair with a type that the model was "
    "not trained with (type_vocab_size in its config.json); send one text"
)
TOO_LATE = "the texts of this batch take too long together: try again, with fewer or shorter texts"


Encoded = list[EncodedText] | RequestError
"""What the model reads for one input, or why it cannot."""
LaidOut = Framed | EncodedText
"""A text that was cut to fit, or one that is as the model reads it."""
P = ParamSpec("P")
T = TypeVar("T")


class Tokenizer:
    """A checkpoint's own fast tokenizer, without the padding and truncation its file may ask for."""

    def __init__(self, folder: Path) -> None:
        self.hf: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        """transformers' own, for what is asked rarely."""
        self.pad_token_id: int = self.hf.pad_token_id or 0
        self.mask_token_id: int | None = self.hf.mask_token_id
        self.has_token_types = "token_type_ids" in self.hf.model_input_names
        self.truncation_side: str = self.hf.truncation_side
        """Where a text that is too long loses tokens: "right" is its end, "left" its beginning."""
        self._backend: Backend = self.hf.backend_tokenizer
        self._backend.no_padding()
        self._backend.no_truncation()
        # An id that the tokenizer knows and the model does not would fail the forward pass, and on a GPU the process.
        config = load_config(folder)
        num_rows = config.vocab_size
        num_tokens = self._backend.get_vocab_size(with_added_tokens=True)
        self._num_ids = min(num_rows, num_tokens)
        self._knows_too_much = num_tokens > num_rows
        self._frame = make_frame(self._backend, is_pair=False)
        self._pair_frame = make_frame(self._backend, is_pair=True)
        # So would a type: klue/roberta has one, and BERT's tokenizer, which gives the second text of a pair another.
        num_types = getattr(config, "type_vocab_size", 0) if self.has_token_types else 0
        self._reads_pairs = not num_types or int(self._pair_frame.types.max()) < num_types
        self._typed = TypedReader(self._backend, self._frame)

    def encode(self, inputs: Sequence[Passages], deadline_s: float = math.inf) -> list[Encoded]:
        """What the model reads for each input, in order; of a pair the text that its layout names is cut.

        NotNow for an input whose turn had not come by deadline_s, on the clock of time.monotonic.
        """
        encoded: list[Encoded] = []
        for part, texts in _parts(inputs):
            encoded += self._encode_part(part, texts, deadline_s)
        return encoded

    def tokenize(self, text: str, *, has_special: bool) -> list[Token]:
        """Return a text's tokens with their places in it, and the special ones around them; none of them is cut."""
        self._backend.no_truncation()
        encoding = self._backend.encode(text, add_special_tokens=has_special)
        places = zip(encoding.ids, encoding.tokens, encoding.offsets, encoding.special_tokens_mask, strict=True)
        return [
            Token(id=token_id, text=token, special=True)
            if is_special
            else Token(id=token_id, text=text[start:stop], special=False, start=start, stop=stop)
            for token_id, token, (start, stop), is_special in places
        ]

    def decode(self, ids: Sequence[int], *, skips_special: bool) -> str:
        """Return the text of token ids; InvalidInput for one that the tokenizer does not have."""
        num_tokens = self._backend.get_vocab_size(with_added_tokens=True)
        if (largest := max(ids, default=0)) >= num_tokens:
            raise InvalidInput(f"{largest} is not a token id of this model, whose tokenizer has {num_tokens}")
        text: str = self._backend.decode(ids, skip_special_tokens=skips_special)
        return text

    def _encode_part(self, part: Sequence[Passages], texts: Sequence[str], deadline_s: float) -> list[Encoded]:
        """Tokenise all texts at once; then cut each, and give all their special tokens at once."""
        if time.monotonic() > deadline_s:
            return [NotNow(TOO_LATE) for _ in part]
        keeps_places = any(passages.keeps_places for passages in part)
        longest = max(passages.layout.max_tokens for passages in part)
        try:
            tokens = self._tokenize(texts, longest, keeps_places=keeps_places)
        except Exception:  # whatever it is, the neighbours get their answers
            logger.exception("texts could not be tokenised")
            return [InternalError(NOT_TOKENISED) for _ in part]
        laid_out = [_attempt(self._lay_out, passages, tokens, deadline_s) for passages in part]
        framed = [text for text in _good(laid_out) if isinstance(text, Framed)]
        encoded = iter(put_together(framed, keeps_places=keeps_places))
        return [
            texts if isinstance(texts, RequestError) else _attempt(self._finish, texts, encoded, passages)
            for texts, passages in zip(laid_out, part, strict=True)
        ]

    def _tokenize(self, texts: Sequence[str], longest: int, *, keeps_places: bool) -> dict[str, Tokens]:
        """Return each text's tokens, at most `longest`; to know their places as well takes a fifth longer."""
        self._backend.no_truncation()
        encode = self._backend.encode_batch if keeps_places else self._backend.encode_batch_fast
        hold = hold_places if keeps_places else hold_tokens
        tokens = hold(encode(texts, add_special_tokens=False), longest, self.truncation_side)
        return dict(zip(texts, tokens, strict=True))

    def _lay_out(self, passages: Passages, tokens: Mapping[str, Tokens], deadline_s: float) -> list[LaidOut]:
        """Cut what the model reads for one input to fit; most of it is yet to be put together."""
        laid_out: list[LaidOut] = []
        for pair in passages.pairs:
            if time.monotonic() > deadline_s:
                raise NotNow(TOO_LATE)
            if pair.token_ids is not None:
                laid_out.append(self._take_ids(pair.token_ids, passages.layout.max_tokens))
            elif pair.spans is not None:
                laid_out += self._typed.read(pair.text, pair.types, pair.spans, passages.layout.max_tokens)
            else:
                laid_out += self._lay_out_pair(pair, tokens, passages)
        return laid_out

    def _finish(self, laid_out: Sequence[LaidOut], framed: Iterator[EncodedText], passages: Passages) -> Encoded:
        """Take the texts that are put together by now, and check them."""
        encoded = [next(framed) if isinstance(text, Framed) else text for text in laid_out]
        if self._knows_too_much:
            self._check_ids(encoded)
        if passages.needs_masks:
            self._check_masks(encoded)
        return encoded

    def _take_ids(self, ids: tuple[int, ...], max_tokens: int) -> EncodedText:
        """Take a client's tokens as they are: only it knows where they could be cut."""
        if (largest := max(ids)) >= self._num_ids:
            raise InvalidInput(f"{largest} is not a token id of this model, which has {self._num_ids}: {SEND_OWN_IDS}")
        if not self._frame.surrounds(ids):  # tiktoken's, most likely: they would be read, and mean something else
            raise InvalidInput(
                f"the token ids are not of this model: they begin with {ids[0]} and end with {ids[-1]}, and its own "
                f"{self._describe_frame()}: {SEND_OWN_IDS}"
            )
        if len(ids) > max_tokens:
            raise InputTooLong(f"there are {len(ids)} token ids and the model takes {max_tokens}: send fewer")
        return EncodedText(ids=to_ids(ids), type_ids=np.zeros(len(ids), np.int8), num_tokens_uncut=len(ids))

    def _describe_frame(self) -> str:
        """Say which special tokens a text has around it: `begin with 101 ([CLS]) and end with 102 ([SEP])`."""
        ends = {"begin": self._frame.before.tolist(), "end": self._frame.after.tolist()}
        return " and ".join(
            f"{verb} with {', '.join(f'{each} ({self.hf.convert_ids_to_tokens(each)})' for each in ids)}"
            for verb, ids in ends.items()
            if ids
        )

    def _check_ids(self, encoded: Sequence[EncodedText]) -> None:
        for text in encoded:
            if (largest := int(text.ids.max(initial=-1))) >= self._num_ids:
                token = quote(self.hf.convert_ids_to_tokens(largest))
                raise InvalidInput(
                    f"the text has the token {token}, number {largest}, and the model knows {self._num_ids}: leave it "
                    "out, or serve a checkpoint whose embeddings were resized"
                )

    def _check_masks(self, encoded: Sequence[EncodedText]) -> None:
        for text in encoded:
            num_masks = text.count(self.mask_token_id) if self.mask_token_id is not None else 0
            if not num_masks:
                where = " in the part that the model takes" if text.is_truncated else ""
                raise InvalidInput(f"the text holds no mask{where}: put {self.hf.mask_token} where a word is wanted")
            if num_masks > MAX_MASKS_PER_INPUT:
                raise InvalidInput(f"the text has {num_masks} masks; at most {MAX_MASKS_PER_INPUT} are filled at once")

    def _lay_out_pair(self, pair: TextPair, tokens: Mapping[str, Tokens], passages: Passages) -> Sequence[LaidOut]:
        """Return the whole text, its beginning, or its windows."""
        if pair.marks is not None:
            return [frame_marked(tokens[pair.text], self._frame, pair.marks, self.truncation_side)]
        layout = passages.layout
        is_one = pair.text_pair is None or pair.is_one
        if not is_one and not self._reads_pairs:
            raise InvalidInput(NO_PAIRS)
        frame = BARE if pair.is_looked_up else self._frame if is_one else self._pair_frame
        first, second = tokens[pair.text], NOTHING if pair.text_pair is None else tokens[pair.text_pair]
        num_tokens = first.count + second.count + frame.num_special
        if num_tokens > layout.max_tokens:
            room = layout.max_tokens - frame.num_special
            _check_room(first.count, second.count, room, layout)
            if layout.stride is not None:
                return self._windows(pair, layout, layout.stride)
            counts = share_room(first.count, second.count, room, layout.cut)
            first, second = map(Tokens.keep, (first, second), counts, [self.truncation_side] * 2)
        return [Framed(frame=frame, first=first, second=second, num_tokens_uncut=num_tokens)]

    def _windows(self, pair: TextPair, layout: Layout, stride: int) -> list[EncodedText]:
        """Tokenise a text that needs windows once more: tokenizers makes them of a text only, not of its tokens."""
        self._backend.enable_truncation(
            layout.max_tokens, stride=stride, strategy=layout.cut.value, direction=self.truncation_side
        )
        # What it puts together itself (0.23) has the right ids, but wrong offsets (a byte-level BPE's are trimmed
        # twice), sources (none for the first text) and, in later windows, types.
        whole = self._backend.encode(pair.text, pair.text_pair)
        return [read_window(window) for window in (whole, *whole.overflowing)]


def _attempt(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | RequestError:
    """Return what the function returns, or why it cannot: whatever it is, the neighbours get their answers."""
    try:
        return function(*args, **kwargs)
    except RequestError as error:
        return error
    except Exception:
        logger.exception("a text could not be tokenised")
        return InternalError(NOT_TOKENISED)


def _good(each: Iterable[list[LaidOut] | RequestError]) -> Iterator[LaidOut]:
    """The texts of all inputs without an error, in order."""
    return chain.from_iterable(texts for texts in each if not isinstance(texts, RequestError))


def _check_room(first: int, second: int, room: int, layout: Layout) -> None:
    """Refuse what tokenizers cannot do, a text cut to nothing or windows no longer than their overlap, and too many."""
    cut, fixed, stride = first, 0, layout.stride or 0
    if layout.cut is not Cut.LONGEST_FIRST:
        cut, fixed = (second, first) if layout.cut is Cut.ONLY_SECOND else (first, second)
        room -= fixed
    if room < max(stride + 1, layout.least):
        needs = f", which needs {layout.least}" if layout.least > 1 else ""
        shared = f", of which neighbouring windows share {stride}" if stride else ""
        raise InputTooLong(
            f"the {layout.uncut} has {fixed} tokens and leaves {max(0, room)} of {layout.max_tokens} for the text "
            f"beside it{needs}{shared}: shorten it",
            layout.uncut_at,
        )
    num_windows = 1 + max(0, -(-(cut - room) // (room - stride)))
    if layout.stride is not None and num_windows > MAX_TEXTS_PER_REQUEST:
        raise TooManyInputs(
            f"the text would be read in {num_windows} windows, and {MAX_TEXTS_PER_REQUEST} are the most for a request: "
            "shorten it, or make windows longer or their overlap smaller"
        )


def _parts(inputs: Iterable[Passages]) -> Iterator[tuple[list[Passages], list[str]]]:
    """Yield the inputs in order, each part with its texts, equal ones once, that have about PART_CHARACTERS together.

    Tokens to be cut are held for one part only.
    """
    part: list[Passages] = []
    texts: dict[str, None] = {}
    num_characters = 0
    for passages in inputs:
        part.append(passages)
        for pair in passages.pairs:
            for text in pair.texts:
                if text not in texts:
                    texts[text] = None
                    num_characters += len(text)
        if num_characters > PART_CHARACTERS:
            yield part, list(texts)
            part, texts, num_characters = [], {}, 0
    if part:
        yield part, list(texts)
