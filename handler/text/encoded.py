"""What the model reads of a text: its token ids between special ones, cut to fit. It knows no checkpoint."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain, pairwise, starmap

import msgspec
import numpy as np
import numpy.typing as npt
from tokenizers import Encoding
from tokenizers import Tokenizer as Backend

from .passages import Cut

# A batch of the largest requests has 8 million tokens. In Python's lists each took 44 bytes, and 16 more as a key.
Ids = npt.NDArray[np.int32]
Types = npt.NDArray[np.int8]
Offsets = npt.NDArray[np.int32]
Words = npt.NDArray[np.int32]


class EncodedText(msgspec.Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """One text (or pair, or window of one) as the model reads it; special tokens included, never padded."""

    ids: Ids  # [T]
    type_ids: Types  # [T]
    """0 for the first text of a pair and 1 for the second, where the architecture has them."""
    num_tokens_uncut: int
    offsets: Offsets | None = None
    """[T, 2]: a token's first character and the one behind its last, in the text that it is of. This and what follows
    are None unless the head asks where tokens stand (Passages.keeps_places)."""
    sources: npt.NDArray[np.int8] | None = None
    """[T]: 0 for a token of the first text of a pair, 1 of the second, -1 for a special token."""
    words: Words | None = None
    """[T]: which word of its text a token is of, as the tokenizer splits it; -1 for none."""
    reads_tokens: bool = False
    """Whether what a model says of single tokens beside the text's vector is asked for."""
    only_weights: bool = False
    """Whether that is the tokens' weights alone, and none of their vectors."""
    num_hidden: int = 0
    """So many of its last tokens are seen by none, and see all others."""
    adapter: int = 0
    """The number of the adapter that it is read with (handler.engine.heads); 0: none."""
    is_looked_up: bool = False
    """Whether its tokens are looked up in a table, and no model reads them."""

    @property
    def num_tokens(self) -> int:
        """Tokens that the model sees."""
        return len(self.ids)

    @property
    def key(self) -> tuple[object, ...]:
        """Texts of which a model says the same have equal keys."""
        asked = self.reads_tokens, self.only_weights, self.is_looked_up
        return self.ids.tobytes(), self.type_ids.tobytes(), *asked, self.adapter, self.num_hidden

    @property
    def distinct(self) -> npt.NDArray[np.int64]:
        """Its tokens' ids in ascending order, each once [K]."""
        return np.unique(self.ids).astype(np.int64)

    @property
    def is_truncated(self) -> bool:
        """Whether the end of the text was cut."""
        return self.num_tokens_uncut > len(self.ids)

    def count(self, token: int) -> int:
        """Count how often a token is in it."""
        return int(np.count_nonzero(self.ids == token))


NO_OFFSETS, NO_WORDS = np.empty((0, 2), np.int32), np.empty(0, np.int32)


class Tokens(msgspec.Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """A text's tokens without special ones: as many as the model can take, from the side that is kept."""

    count: int
    """Tokens of the whole text."""
    ids: Ids
    offsets: Offsets = NO_OFFSETS
    """[K, 2]; this and words [K], -1 for none, are empty unless the head asks where tokens stand."""
    words: Words = NO_WORDS

    def keep(self, count: int, side: str) -> "Tokens":
        """Keep so many of them, from the side that is kept."""
        if count == len(self.ids):
            return self
        part = _part(len(self.ids), count, side)
        return Tokens(count=self.count, ids=self.ids[part], offsets=self.offsets[part], words=self.words[part])


def hold_tokens(encodings: Sequence[Encoding], longest: int, side: str) -> list[Tokens]:
    """Keep what can be used of whole texts, at most `longest` tokens of each; all ids in one array, and no places."""
    counts = [len(encoding) for encoding in encodings]
    kept = [min(count, longest) for count in counts]
    parts = [_part(count, longest, side) for count in counts]
    each = (encoding.ids[part] for encoding, part in zip(encodings, parts, strict=True))
    ids = np.fromiter(chain.from_iterable(each), np.int32, sum(kept))
    return [Tokens(count=count, ids=ids[part]) for count, part in zip(counts, _slices(kept), strict=True)]


def hold_places(encodings: Sequence[Encoding], longest: int, side: str) -> list[Tokens]:
    """Keep the same, and where each token stands in its text."""
    return [
        Tokens(
            count=tokens.count,
            ids=tokens.ids,
            offsets=to_offsets(encoding.offsets[_part(len(encoding), longest, side)]),
            words=to_words(encoding.word_ids[_part(len(encoding), longest, side)]),
        )
        for encoding, tokens in zip(encodings, hold_tokens(encodings, longest, side), strict=True)
    ]


def to_offsets(offsets: Sequence[tuple[int, int]]) -> Offsets:
    """Return tokenizers' offsets as [K, 2]."""
    return np.fromiter(chain.from_iterable(offsets), np.int32, 2 * len(offsets)).reshape(-1, 2)


def to_words(words: Sequence[int | None]) -> Words:
    """Return tokenizers' numbers of words [K]; -1 for none."""
    return np.array([-1 if word is None else word for word in words], np.int32)


def to_ids(ids: Sequence[int]) -> Ids:
    """Return token ids in the form in which they are held."""
    return np.array(ids, np.int32)


def _part(length: int, count: int, side: str) -> slice:
    """Take `count` items; `side` is the one that is cut."""
    return slice(count) if side == "right" else slice(max(0, length - count), None)


def _slices(lengths: Sequence[int]) -> Iterator[slice]:
    """Parts of these lengths, laid end to end."""
    return starmap(slice, pairwise(accumulate(lengths, initial=0)))


SOURCES = np.array((-1, 0, -1, 1, -1), np.int8)  # of the parts of what the model reads: EncodedText.sources
NOTHING = Tokens(count=0, ids=to_ids([]))


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The special tokens that stand before, between and behind the texts of a pair (or one text), and all types."""

    before: Ids
    between: Ids
    after: Ids
    types: Types
    """Types of what stands before, the first text, between, the second text, after."""
    num_hidden: int = 0
    """So many of its last tokens are seen by none."""
    is_looked_up: bool = False
    """Whether no model reads what it surrounds."""

    @cached_property
    def num_special(self) -> int:
        """Tokens that it takes."""
        return len(self.before) + len(self.between) + len(self.after)

    def surrounds(self, ids: Sequence[int]) -> bool:
        """Tell whether ids begin and end with its own: those of another tokenizer, or of a bare text, do not."""
        before, after = self.before.tolist(), self.after.tolist()
        inner = len(ids) - len(after)
        return inner >= len(before) and list(ids[: len(before)]) == before and list(ids[inner:]) == after


BARE = Frame(before=NOTHING.ids, between=NOTHING.ids, after=NOTHING.ids, types=np.zeros(5, np.int8), is_looked_up=True)
"""Around a text that is looked up."""


class Framed(msgspec.Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """A text or pair, cut to fit, and the special tokens to stand around it."""

    frame: Frame
    first: Tokens
    second: Tokens
    num_tokens_uncut: int

    @property
    def parts(self) -> tuple[Ids, ...]:
        """Ids of what stands before, the first text, between, the second text, after."""
        return self.frame.before, self.first.ids, self.frame.between, self.second.ids, self.frame.after

    @property
    def num_tokens(self) -> int:
        """Tokens that the model sees."""
        return len(self.first.ids) + len(self.second.ids) + self.frame.num_special


def put_together(texts: Sequence[Framed], *, keeps_places: bool) -> list[EncodedText]:
    """Put texts together as the model reads them, all at once: each is a part of one array."""
    if not texts:
        return []
    parts = [part for text in texts for part in text.parts]
    lengths = [len(part) for part in parts]
    ids = np.concatenate(parts)
    type_ids = np.repeat(np.concatenate([text.frame.types for text in texts]), lengths)
    sources = np.repeat(np.tile(SOURCES, len(texts)), lengths) if keeps_places else None
    offsets, words = (None, None) if sources is None else _find_places(texts, sources)
    totals = [text.num_tokens for text in texts]
    return [
        EncodedText(
            ids=ids[part],
            type_ids=type_ids[part],
            num_tokens_uncut=text.num_tokens_uncut,
            offsets=None if offsets is None else offsets[part],
            sources=None if sources is None else sources[part],
            words=None if words is None else words[part],
            num_hidden=text.frame.num_hidden,
            is_looked_up=text.frame.is_looked_up,
        )
        for text, part in zip(texts, _slices(totals), strict=True)
    ]


def _find_places(texts: Sequence[Framed], sources: Types) -> tuple[Offsets, Words]:
    """Return where all tokens stand in their texts, [T, 2] and [T]."""
    offsets, words = np.zeros((len(sources), 2), np.int32), np.full(len(sources), -1, np.int32)
    for source, each in enumerate(([text.first for text in texts], [text.second for text in texts])):
        offsets[sources == source] = np.concatenate([tokens.offsets for tokens in each])
        words[sources == source] = np.concatenate([tokens.words for tokens in each])
    return offsets, words


def make_frame(backend: Backend, *, is_pair: bool) -> Frame:
    """Find out by example what the tokenizer puts around one text, or two."""
    text = backend.encode("a", add_special_tokens=False)
    whole = backend.post_process(text, text if is_pair else None)
    places = [place for place, is_special in enumerate(whole.special_tokens_mask) if not is_special]
    first, last = places[: len(text)], places[-len(text) :]
    kinds = whole.type_ids
    return Frame(
        before=to_ids(whole.ids[: first[0]]),
        between=to_ids(whole.ids[first[-1] + 1 : last[0]]),  # nothing where both are one text
        after=to_ids(whole.ids[last[-1] + 1 :]),
        types=np.array([kinds[0], kinds[first[0]], kinds[last[0] - 1], kinds[last[0]], kinds[-1]], np.int8),
    )


def share_room(first: int, second: int, room: int, cut: Cut) -> tuple[int, int]:
    """How many tokens of each text fit into `room` together, as tokenizers shares it out.

    Its own cutting keeps what it cuts off, in pairs of all parts of both texts: gigabytes for two texts of 500 kB.
    """
    if first + second <= room:
        return first, second
    if cut is not Cut.LONGEST_FIRST:
        return (room - second, second) if cut is Cut.ONLY_FIRST else (first, room - first)
    shorter = min(first, second)
    longer = max(shorter, room - shorter)
    if shorter + longer > room:
        shorter, longer = room // 2, room - room // 2
    return (longer, shorter) if first > second else (shorter, longer)


def read_window(encoding: Encoding) -> EncodedText:
    """Read one of the windows that tokenizers makes of a text; nothing of it was cut."""
    sources = [-1 if source is None else source for source in encoding.sequence_ids]
    return EncodedText(
        ids=to_ids(encoding.ids),
        type_ids=np.array(encoding.type_ids, np.int8),
        num_tokens_uncut=len(encoding),
        offsets=to_offsets(encoding.offsets),
        sources=np.where(encoding.special_tokens_mask, -1, sources).astype(np.int8),
        words=to_words(encoding.word_ids),
    )
