"""The record that each task's file fills in, and what its head is given. No torch."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from ..config import HandlerConfig
from ..contract import Contract
from ..inputs import TextInput
from ..parameters import Parameters
from ..text.encoded import EncodedText
from ..text.passages import Passages

P = TypeVar("P", bound=Parameters)
Row = npt.NDArray[np.float32]
"""What the model says of one text: [width] for a text, [T, width] for its tokens, [M, vocabulary] for its masks;
[vocabulary] for a sparse vector; [1 + T, width] for a vector and what is said of tokens beside it, [width + T] where
that is a weight for each; [S, C] for spans of words and types of entities; [C] for labels that are read with a text."""


class Reads(StrEnum):
    """What a task reads off the model's output for a text; handler.engine.readout has one class for each."""

    VECTOR = "vector"
    TEXT_LOGITS = "text logits"
    TOKEN_LOGITS = "token logits"  # noqa: S105 - no password
    SPAN_LOGITS = "span logits"
    MASK_LOGITS = "mask logits"
    WORD_WEIGHTS = "word weights"
    TEXT_AND_TOKENS = "text and tokens"
    TYPED_SPANS = "typed spans"
    CANDIDATE_LOGITS = "candidate logits"
    TOKEN_VECTORS = "token vectors"  # noqa: S105 - no password


class Reading(msgspec.Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """One input: what the model read for it, and what it said."""

    source: TextInput
    texts: Sequence[EncodedText]
    """A single text; or a pair for each text or label; or the windows of a long text, in order."""
    rows: Sequence[Row]
    """Rows, one for each of `texts`."""


Head = Callable[[Sequence[Reading], P], Iterable[object]]
"""Turns readings that were asked for with the same parameters into what transformers' pipeline gives for each, as plain
JSON values; a vector stays an array.

It may raise a RequestError. Where it raises with several readings it is called again with each alone, so that an error
is only of those that it is about."""


def one_by_one(head: Callable[[Reading, P], object]) -> Head[P]:
    """Make a head of a function of one reading, for what is not made of all rows at once. Each has its turn when its
    value is asked for."""
    return lambda readings, parameters: (head(reading, parameters) for reading in readings)


def stack_rows(readings: Sequence[Reading]) -> npt.NDArray[np.float64]:
    """Return the rows of readings with one text each, of width numbers each, as [N, width]."""
    rows = [row for reading in readings for row in reading.rows]
    return np.concatenate(rows).reshape(len(readings), -1).astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaskKind(Contract, Generic[P]):
    """All that sets one task apart from the others."""

    parameters: type[P]
    plan: Callable[[TextInput, P, HandlerConfig], Passages]
    """Turns an input into what the model reads for it."""
    reads: Reads
    make_head: Callable[[Any, Any, HandlerConfig], Head[P]]
    """Makes the head from the checkpoint's transformers config, its tokenizer, and our own settings."""
    is_labelled: bool = False
    """Whether results have the checkpoint's own labels, so that a description of the model lists them."""
    results: tuple[Any, ...]
    """The forms that one input's result may take, as types; docs/openapi.json shows them."""
