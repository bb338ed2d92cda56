"""What the model reads of a text: its token ids between special ones, cut to fit. It knows no checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding
from tokenizers import Tokenizer as Backend

from .passages import Cut

# A batch of the largest requests has 8 million tokens. In Python's lists each took 44 bytes, and 16 more as a key.
Ids = npt.NDArray[np.int32]
Types = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedText:
    """One text (or pair, or window of one) as the model reads it; special tokens included, never padded."""

    ids: Ids  # [T]
    type_ids: Types  # [T]
    """0 for the first text of a pair and 1 for the second, where the architecture has them."""
    num_tokens_uncut: int
    offsets: npt.NDArray[np.int32] | None = None
    """[T, 2]: a token's first character and the one behind its last, in the text that it is of. This and what follows
    are None unless the head asks where tokens stand (Passages.keeps_places)."""
    sources: npt.NDArray[np.int8] | None = None
    """[T]: 0 for a token of the first text of a pair, 1 of the second, -1 for a special token."""
    words: npt.NDArray[np.int32] | None = None
    """[T]: which word of its text a token is of, as the tokenizer splits it; -1 for none."""

    @property
    def num_tokens(self) -> int:
        """Tokens that the model sees."""
        return len(self.ids)

    @property
    def is_truncated(self) -> bool:
        """Whether the end of the text was cut."""
        return self.num_tokens_uncut > len(self.ids)

    def count(self, token: int) -> int:
        """Count how often a token is in it."""
        return int(np.count_nonzero(self.ids == token))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """A text's tokens without special ones: as many as the model can take, from the side that is kept."""

    count: int
    """Tokens of the whole text."""
    ids: Ids
    offsets: list[tuple[int, int]]
    words: list[int | None]

    @classmethod
    def of(cls, encoding: Encoding, longest: int, side: str, *, keeps_places: bool) -> Self:
        """Keep what can be used of a whole text; the rest is not held."""
        part = _part(len(encoding), longest, side)
        return cls(
            count=len(encoding),
            ids=to_ids(encoding.ids[part]),
            offsets=encoding.offsets[part] if keeps_places else [],
            words=encoding.word_ids[part] if keeps_places else [],
        )

    def keep(self, count: int, side: str) -> Self:
        """Keep so many of them, from the side that is kept."""
        part = _part(len(self.ids), count, side)
        return replace(self, ids=self.ids[part], offsets=self.offsets[part], words=self.words[part])


def to_ids(ids: Sequence[int]) -> Ids:
    """Return token ids in the form in which they are held."""
    return np.array(ids, np.int32)


def _part(length: int, count: int, side: str) -> slice:
    """Take `count` items; `side` is the one that is cut."""
    return slice(count) if side == "right" else slice(max(0, length - count), None)


SOURCES = (-1, 0, -1, 1, -1)  # of the parts of what the model reads: EncodedText.sources
NOTHING = Tokens(count=0, ids=np.empty(0, np.int32), offsets=[], words=[])


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The special tokens that stand before, between and behind the texts of a pair (or one text), and all types."""

    before: Ids
    between: Ids
    after: Ids
    types: Types
    """Types of what stands before, the first text, between, the second text, after."""

    @property
    def num_special(self) -> int:
        """Tokens that it takes."""
        return len(self.before) + len(self.between) + len(self.after)

    def surrounds(self, ids: Sequence[int]) -> bool:
        """Tell whether ids begin and end with its own: those of another tokenizer, or of a bare text, do not."""
        before, after = self.before.tolist(), self.after.tolist()
        inner = len(ids) - len(after)
        return inner >= len(before) and list(ids[: len(before)]) == before and list(ids[inner:]) == after

    def put_together(self, first: Tokens, second: Tokens, num_tokens_uncut: int) -> EncodedText:
        """Put the texts together as the model reads them."""
        parts = (self.before, first.ids, self.between, second.ids, self.after)
        return EncodedText(
            ids=np.concatenate(parts),
            type_ids=np.repeat(self.types, [len(part) for part in parts]),
            num_tokens_uncut=num_tokens_uncut,
        )

    def put_together_with_places(self, first: Tokens, second: Tokens, num_tokens_uncut: int) -> EncodedText:
        """Put the texts together, with where every token stands in its text."""
        before, between, after = (
            Tokens(count=0, ids=ids, offsets=[(0, 0)] * len(ids), words=[None] * len(ids))
            for ids in (self.before, self.between, self.after)
        )
        parts = (before, first, between, second, after)
        words = [-1 if word is None else word for part in parts for word in part.words]
        return replace(
            self.put_together(first, second, num_tokens_uncut),
            offsets=np.array([offset for part in parts for offset in part.offsets], np.int32).reshape(-1, 2),
            sources=np.repeat(np.array(SOURCES, np.int8), [len(part.ids) for part in parts]),
            words=np.array(words, np.int32),
        )


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
    words = [-1 if word is None else word for word in encoding.word_ids]
    return EncodedText(
        ids=to_ids(encoding.ids),
        type_ids=np.array(encoding.type_ids, np.int8),
        num_tokens_uncut=len(encoding),
        offsets=np.array(encoding.offsets, np.int32).reshape(-1, 2),
        sources=np.where(encoding.special_tokens_mask, -1, sources).astype(np.int8),
        words=np.array(words, np.int32),
    )
