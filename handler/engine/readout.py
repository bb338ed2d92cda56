"""What a task reads off transformers' own model: pooled vectors, or logits of texts, of tokens or of masks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)

from ..config import VOCABULARY_PER_TOKEN, HandlerConfig
from ..errors import ConfigError
from ..tasks import TASKS
from ..tasks.kind import Reads, Row
from ..text.encoded import EncodedText
from ..text.tokenization import Tokenizer
from .hooks import keep_first_tokens, keep_masks
from .packing import TextBounds
from .placement import Placement
from .pooling import Pooler

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

    def attach(self, network: Any) -> None:
        """Prepare a model that was just loaded."""

    def cost(self, text: EncodedText) -> int:
        """What a text takes of the token budget."""

    def read(self, output: Any, seen: Seen) -> Tensor:
        """The model's output as rows of numbers [R, width], on the device: those of one text after the other's."""

    def num_rows(self, texts: Sequence[EncodedText]) -> int:
        """How many those rows are (R)."""

    def split(self, numbers: Numbers, texts: Sequence[EncodedText]) -> list[Row]:
        """Those rows in host memory, text by text."""

    def slots(self, texts: Sequence[EncodedText]) -> int:
        """How many texts there are, or how many rows the head gets where it reads some tokens only: the larger."""


class _ByToken:
    """What most readouts share: they need nothing of what they are made from, and a text costs its tokens."""

    vector_size = 0
    slot_cost = 0

    def __init__(self, *_: Any) -> None:
        """Nothing to keep."""

    def attach(self, network: Any) -> None:
        """Nothing to prepare."""

    def cost(self, text: EncodedText) -> int:
        return text.num_tokens

    def count(self, text: EncodedText) -> int:
        """How many rows are a text's."""
        return text.num_tokens

    def num_rows(self, texts: Sequence[EncodedText]) -> int:
        return sum(map(self.count, texts))

    def split(self, numbers: Numbers, texts: Sequence[EncodedText]) -> list[Row]:
        return np.split(numbers, np.cumsum([self.count(text) for text in texts])[:-1])

    def slots(self, texts: Sequence[EncodedText]) -> int:
        return len(texts)


class _ByText(_ByToken):
    """One row for each text."""

    def num_rows(self, texts: Sequence[EncodedText]) -> int:
        return len(texts)

    def split(self, numbers: Numbers, _: Sequence[EncodedText]) -> list[Row]:
        return list(numbers)


class PooledReadout(_ByText):
    """embeddings: one vector for each text [D]."""

    auto_class = AutoModel

    def __init__(self, folder: Path, config: HandlerConfig, placement: Placement, _: Tokenizer) -> None:
        self._pool = Pooler(folder, config, placement.device)

    def attach(self, network: Any) -> None:
        self.vector_size = self._pool.vector_size(network.config.hidden_size)
        if isinstance(getattr(network, "pooler", None), nn.Module):
            network.pooler = nn.Identity()  # nobody reads it, and it reads a matrix for each pass

    def read(self, output: Any, seen: Seen) -> Tensor:
        return self._pool(seen.tokens(output.last_hidden_state), seen.bounds)


class TextReadout(_ByText):
    """Sequence classification: logits of each text [labels]."""

    auto_class = AutoModelForSequenceClassification

    def attach(self, network: Any) -> None:
        network.base_model.register_forward_hook(keep_first_tokens, with_kwargs=True)

    def read(self, output: Any, _: Seen) -> Tensor:
        logits: Tensor = output.logits
        return logits


class TokenReadout(_ByToken):
    """Token classification: logits of each token [T, labels]."""

    auto_class = AutoModelForTokenClassification

    def read(self, output: Any, seen: Seen) -> Tensor:
        return seen.tokens(output.logits)


class SpanReadout(_ByToken):
    """Question answering: logits of each token, as an answer's start and as its end [T, 2]."""

    auto_class = AutoModelForQuestionAnswering

    def read(self, output: Any, seen: Seen) -> Tensor:
        return seen.tokens(torch.stack((output.start_logits, output.end_logits), dim=-1))


class MaskReadout(_ByToken):
    """Masked language models: logits of each mask [M, vocabulary], and of no other token."""

    auto_class = AutoModelForMaskedLM

    def __init__(self, _: Path, __: HandlerConfig, ___: Placement, tokenizer: Tokenizer) -> None:
        if tokenizer.mask_token_id is None:
            raise ConfigError("the checkpoint's tokenizer has no mask token, which fill-mask needs")
        self._mask_id = tokenizer.mask_token_id

    def attach(self, network: Any) -> None:
        self.slot_cost = network.config.vocab_size // VOCABULARY_PER_TOKEN
        network.base_model.register_forward_hook(keep_masks(self._mask_id), with_kwargs=True)

    def cost(self, text: EncodedText) -> int:
        return text.num_tokens + self.slot_cost * self.count(text)

    def read(self, output: Any, _: Seen) -> Tensor:
        logits: Tensor = output.logits.flatten(0, 1)
        return logits

    def count(self, text: EncodedText) -> int:
        return text.count(self._mask_id)

    def slots(self, texts: Sequence[EncodedText]) -> int:
        return max(len(texts), self.num_rows(texts))


READOUTS: dict[Reads, Callable[[Path, HandlerConfig, Placement, Tokenizer], Readout]] = {
    Reads.VECTOR: PooledReadout,
    Reads.TEXT_LOGITS: TextReadout,
    Reads.TOKEN_LOGITS: TokenReadout,
    Reads.SPAN_LOGITS: SpanReadout,
    Reads.MASK_LOGITS: MaskReadout,
}


def make_readout(folder: Path, config: HandlerConfig, placement: Placement, tokenizer: Tokenizer) -> Readout:
    """The readout of the config's task."""
    return READOUTS[TASKS[config.task].reads](folder, config, placement, tokenizer)


def to_numpy(rows: Tensor) -> Numbers:
    """Device rows [R, width] of any precision -> float32 in host memory; waits for the device."""
    numbers: Numbers = rows.float().cpu().numpy()
    return numbers
