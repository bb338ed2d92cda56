"""The record of one task, and what it says for a task that differs in nothing: one text, its beginning, its logits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..checkpoint import Checkpoint

STRIDE_TOKENS = 128  # that windows of a long text share; transformers' own
Texts = tuple[str, ...]
"""What the model reads at once: a text, or a pair."""


def as_they_stand(_checkpoint: Checkpoint, _mask_token: str | None, texts: Texts) -> tuple[object, ...]:
    """Every text."""
    return texts


def one_text(_checkpoint: Checkpoint, item: str) -> list[Texts]:
    """The input itself."""
    return [(item,)]


def cut_beginning(max_tokens: int) -> dict[str, Any]:
    """The first `max_tokens` of a text or pair."""
    return {"truncation": True, "max_length": max_tokens}


def read_logits(_checkpoint: Checkpoint, output: Any, _is_mask: Any) -> list[float]:
    """All logits, in order."""
    numbers: list[float] = output.logits[0].flatten().tolist()
    return numbers


def any_labels(_labels: Sequence[str]) -> str:
    """Nothing is wrong with them."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """How a checkpoint names a task, what its model is asked to prove it, and how plain transformers is asked.

    Tensors are Any here, and are used by their own methods: see berth/pack/references/__init__.py.
    """

    auto_class: str
    """transformers' class of the model with the head of this task."""
    attention: str = "eager"
    """transformers' implementation of its attention."""
    endings: tuple[str, ...] = ()
    """How the architectures end that were trained for it."""
    architectures: frozenset[str] = frozenset()
    """Whole names of further ones."""
    wrong_labels: Callable[[Sequence[str]], str] = any_labels
    """What is wrong with a checkpoint's labels, and what to do; empty when the task can be answered with them."""
    inputs: Callable[[Checkpoint, str | None, Texts], tuple[object, ...]] = as_they_stand
    """Inputs as a request has them, made of texts; given the tokenizer's mask token."""
    parameters: Mapping[str, object] = field(default_factory=dict)
    """What a request sets for them."""
    texts: Callable[[Checkpoint, Any], list[Texts]] = one_text
    """The texts or pairs that the model reads for one input."""
    prompted: Mapping[str, "Reference"] = field(default_factory=dict)
    """How the same inputs are asked behind other prompts than the default one, by the names of these."""
    encode: Callable[[Checkpoint, Any, Texts], list[dict[str, Any]]] | None = None
    """What the model is given for one text or pair, by the tokenizer; None: what the tokenizer makes of it."""
    cut: Callable[[int], dict[str, Any]] = cut_beginning
    """What the tokenizer is told, for a model that takes so many tokens."""
    read: Callable[[Checkpoint, Any, Any], list[float]] = read_logits
    """The numbers in the model's output for one text or pair; given which of its tokens are masks."""
    ask: Callable[[Checkpoint, Any, Any, Any], list[float]] | None = None
    """For a task that reads its inputs otherwise: the numbers for one, given the model and its tokenizer. It then
    needs no `texts`, `cut` or `read`."""

    def is_named_by(self, architecture: str) -> bool:
        """Whether a model of this architecture was trained for the task."""
        return architecture in self.architectures or architecture.endswith(self.endings)
