"""What all readouts share: where a batch's texts lie, what a readout is, and how rows are counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ...tasks.kind import Row
from ...text.encoded import EncodedText
from ..packing import TextBounds

Numbers = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Where a batch's texts lie in the model's output: in one stream, or in rows with padding."""

    bounds: TextBounds
    """Of the texts in the stream, or in what `tokens` makes of the rows."""
    mask: Tensor | None = None  # [N, L] bool, true for a token; None for a stream

    def tokens(self, values: Tensor) -> Tensor:
        """Values by row and position, such as states [1, T, H] or [N, L, H], as one stream [T, H]."""
        return values.flatten(0, 1) if self.mask is None else values[self.mask]


class Readout(Protocol):
    """How a task asks the model."""

    auto_class: Any
    """transformers' class with the task's head."""
    vector_size: int
    """Numbers of a text's vector, once attached; 0 where it reads no vector."""
    slot_cost: int
    """What one of a text's rows takes of the token budget, beside its tokens; known once attached."""
    is_large: bool
    """Whether what is read of an input's texts is much: no second input's is held while one is not complete."""

    def attach(self, network: Any) -> None:
        """Prepare a model that was just loaded."""

    def cost(self, text: EncodedText) -> int:
        """What a text takes of the token budget."""

    def read(self, output: Any, seen: Seen) -> Tensor:
        """The model's output as rows of numbers [R, width], on the device: those of one text after the other's."""

    def choose(self, rows: Tensor, texts: Sequence[EncodedText], num_slots: int) -> Tensor:
        """Those of the rows that leave the device, of a pass for `num_slots` texts, of which these are the first."""

    def num_rows(self, texts: Sequence[EncodedText]) -> int:
        """How many those rows are (R)."""

    def split(self, numbers: Numbers, texts: Sequence[EncodedText]) -> list[Row]:
        """Those rows in host memory, text by text."""

    def slots(self, texts: Sequence[EncodedText]) -> int:
        """How many texts there are, or how many rows the head gets where it reads some tokens only: the larger."""


class ByToken:
    """What most readouts share: they need nothing of what they are made from, and a text costs its tokens."""

    vector_size = 0
    slot_cost = 0
    is_large = False

    def __init__(self, *_: Any) -> None:
        """Nothing to keep."""

    def attach(self, network: Any) -> None:
        """Nothing to prepare."""

    def cost(self, text: EncodedText) -> int:
        return text.num_tokens

    def count(self, text: EncodedText) -> int:
        """How many rows are a text's."""
        return text.num_tokens

    def choose(self, rows: Tensor, _texts: Sequence[EncodedText], _num_slots: int) -> Tensor:
        return rows

    def num_rows(self, texts: Sequence[EncodedText]) -> int:
        return sum(map(self.count, texts))

    def split(self, numbers: Numbers, texts: Sequence[EncodedText]) -> list[Row]:
        return np.split(numbers, np.cumsum([self.count(text) for text in texts])[:-1])

    def slots(self, texts: Sequence[EncodedText]) -> int:
        return len(texts)


class ByText(ByToken):
    """One row for each text."""

    def num_rows(self, texts: Sequence[EncodedText]) -> int:
        return len(texts)

    def split(self, numbers: Numbers, _: Sequence[EncodedText]) -> list[Row]:
        return list(numbers)
