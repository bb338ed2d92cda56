"""The tokens of a window, how a tokenizer writes them, and what windows of one text share."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ..text.encoded import EncodedText
from .kind import Row
from .scores import Numbers, softmax

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Offsets = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The K tokens of a window that are the text's own."""

    places: Ints
    """[K]: where in the window, special tokens counted."""
    ids: Ints
    """[K]"""
    offsets: Offsets
    """[K, 2]: a token's first character and the one behind its last."""
    scores: Numbers
    """[K, num_labels]: of each token they sum to 1."""
    num_tokens: int
    """Special tokens counted."""

    @classmethod
    def of(cls, encoded: EncodedText, row: Row) -> Self:
        """Make it from what the model read and said."""
        assert encoded.offsets is not None
        assert encoded.sources is not None
        places = np.flatnonzero(encoded.sources >= 0)
        return cls(
            places=places,
            ids=encoded.ids[places].astype(np.int64),
            offsets=encoded.offsets[places],
            scores=softmax(row[places].astype(np.float64)),
            num_tokens=len(encoded.ids),
        )

    @property
    def depths(self) -> Ints:
        """[K]: tokens between this one and the nearer end of the window."""
        return np.minimum(self.places, self.num_tokens - 1 - self.places)


class Spelling:
    """The way in which a tokenizer writes its tokens, and where it lets a word begin."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._unknown: int | None = tokenizer.unk_token_id
        prefix = getattr(tokenizer.backend_tokenizer.model, "continuing_subword_prefix", None)
        self._lengths = token_lengths(tokenizer.get_vocab()) if prefix else None

    def tokens(self, text: str, ids: Ints, offsets: Offsets) -> list[str]:
        """Each token as the vocabulary has it; an unknown one as the text has it."""
        spelled: list[str] = list(map(self._tokenizer.backend_tokenizer.id_to_token, ids.tolist()))
        if self._unknown is not None:
            for index in np.flatnonzero(ids == self._unknown):
                start, end = offsets[index]
                spelled[index] = text[start:end]
        return spelled

    def join(self, tokens: list[str]) -> str:
        """Tokens as text: the tokenizer's own decoder."""
        joined: str = self._tokenizer.convert_tokens_to_string(tokens)
        return joined

    def word_starts(self, text: str, window: Window) -> Flags:
        """[K]: whether a token begins a word. transformers' two rules, with what they get wrong.

        With a prefix for subwords ("##ing"): a token continues a word when it is not as long as what it stands for, so
        that one whose accent the normalizer took does too. Without a prefix: when there is no space before it or at its
        start. An unknown token always begins a word.
        """
        starts, ends = window.offsets.T
        if self._lengths is not None:
            is_start: Flags = self._lengths[window.ids] == ends - starts
        else:
            is_space = characters(text + "\0") == ord(" ")
            is_start = (starts == 0) | is_space[starts - 1] | is_space[starts]
        return is_start if self._unknown is None else is_start | (window.ids == self._unknown)


def token_lengths(vocabulary: dict[str, int]) -> Ints:
    """[largest id + 1]: characters of each token."""
    lengths = np.zeros(max(vocabulary.values()) + 1, np.int64)
    lengths[list(vocabulary.values())] = [len(token) for token in vocabulary]
    return lengths


def characters(text: str) -> npt.NDArray[np.uint32]:
    """The code point of each character."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def align_windows(windows: Sequence[Window]) -> list[int]:
    """How far each window's places are from those of one long window."""
    shifts = [0]
    for former, latter in pairwise(windows):
        shifts.append(shifts[-1] + len(former.places) - num_shared(former, latter))
    return shifts


def num_shared(former: Window, latter: Window) -> int:
    """The most tokens that end one window and begin the next: the same ids at the same characters."""
    end = np.column_stack([former.ids, former.offsets])
    begin = np.column_stack([latter.ids, latter.offsets])
    for first in np.flatnonzero((end == begin[0]).all(-1)):
        if np.array_equal(end[first:], begin[: len(end) - first]):
            return len(end) - int(first)
    return 0


def share_tokens(windows: Sequence[Window], shifts: Sequence[int]) -> list[Flags]:
    """Say which tokens [K] each window owns: those deeper in it than in another, or as deep and earlier."""
    if len(windows) == 1:
        return [np.ones(len(windows[0].places), np.bool_)]
    deepest = np.full(shifts[-1] + windows[-1].num_tokens, -1)
    owners = np.zeros(len(deepest), np.int64)
    places = [window.places + shift for window, shift in zip(windows, shifts, strict=True)]
    for number, (window, at) in enumerate(zip(windows, places, strict=True)):
        is_deeper = window.depths > deepest[at]
        deepest[at[is_deeper]] = window.depths[is_deeper]
        owners[at[is_deeper]] = number
    return [owners[at] == number for number, at in enumerate(places)]
