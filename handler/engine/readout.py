"""What a task reads off transformers' own model: pooled vectors, or logits of texts, of tokens or of masks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)

from ..config import HandlerConfig
from ..errors import ConfigError
from ..tasks import TASKS
from ..tasks.kind import Reads, Row
from ..text.encoded import EncodedText
from ..text.tokenization import Tokenizer
from .hooks import keep_first_tokens, keep_masks
from .placement import Placement
from .pooling import Pooler

VOCABULARY_PER_TOKEN = 4096  # scores of that many words take about the memory that one token's activations take


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The tokens of a batch as the model saw them: one stream, or rows with padding."""

    ids: Tensor  # [1, T] or [N, L] int64
    lengths: list[int]
    """Tokens of each text [N]."""
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

    def attach(self, network: Any) -> None:
        """Prepare a model that was just loaded."""

    def cost(self, text: EncodedText) -> int:
        """What a text takes of the token budget."""

    def rows(self, output: Any, seen: Seen) -> list[Row]:
        """The model's output, text by text."""


class _ByToken:
    """What most readouts share: they need nothing of what they are made from, and a text costs its tokens."""

    vector_size = 0

    def __init__(self, *_: Any) -> None:
        """Nothing to keep."""

    def attach(self, network: Any) -> None:
        """Nothing to prepare."""

    def cost(self, text: EncodedText) -> int:
        return text.num_tokens


class PooledReadout(_ByToken):
    """embeddings: one vector for each text [D]."""

    auto_class = AutoModel

    def __init__(self, folder: Path, config: HandlerConfig, placement: Placement, _: Tokenizer) -> None:
        self._pool = Pooler(folder, config, placement.device)

    def attach(self, network: Any) -> None:
        self.vector_size = self._pool.vector_size(network.config.hidden_size)

    def rows(self, output: Any, seen: Seen) -> list[Row]:
        states = seen.tokens(output.last_hidden_state)
        return list(to_numpy(self._pool(states, torch.tensor(seen.lengths, device=states.device))))


class TextReadout(_ByToken):
    """Sequence classification: logits of each text [labels]."""

    auto_class = AutoModelForSequenceClassification

    def attach(self, network: Any) -> None:
        network.base_model.register_forward_hook(keep_first_tokens, with_kwargs=True)

    def rows(self, output: Any, seen: Seen) -> list[Row]:
        return list(to_numpy(output.logits))


class TokenReadout(_ByToken):
    """Token classification: logits of each token [T, labels]."""

    auto_class = AutoModelForTokenClassification

    def rows(self, output: Any, seen: Seen) -> list[Row]:
        return split(to_numpy(seen.tokens(output.logits)), seen.lengths)


class SpanReadout(_ByToken):
    """Question answering: logits of each token, as an answer's start and as its end [T, 2]."""

    auto_class = AutoModelForQuestionAnswering

    def rows(self, output: Any, seen: Seen) -> list[Row]:
        logits = torch.stack((output.start_logits, output.end_logits), dim=-1)
        return split(to_numpy(seen.tokens(logits)), seen.lengths)


class MaskReadout:
    """Masked language models: logits of each mask [M, vocabulary], and of no other token."""

    auto_class = AutoModelForMaskedLM
    vector_size = 0

    def __init__(self, _: Path, __: HandlerConfig, ___: Placement, tokenizer: Tokenizer) -> None:
        if tokenizer.mask_token_id is None:
            raise ConfigError("the checkpoint's tokenizer has no mask token, which fill-mask needs")
        self._mask_id = tokenizer.mask_token_id
        self._mask_cost = 0

    def attach(self, network: Any) -> None:
        self._mask_cost = network.config.vocab_size // VOCABULARY_PER_TOKEN
        network.base_model.register_forward_hook(keep_masks(self._mask_id), with_kwargs=True)

    def cost(self, text: EncodedText) -> int:
        return text.num_tokens + self._mask_cost * text.count(self._mask_id)

    def rows(self, output: Any, seen: Seen) -> list[Row]:
        is_mask = seen.tokens(seen.ids).cpu().numpy() == self._mask_id
        counts = [int(part.sum()) for part in split(is_mask, seen.lengths)]
        return split(to_numpy(output.logits.flatten(0, 1)), counts)


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


def split(rows: Any, counts: Sequence[int]) -> list[Any]:
    """An array in parts of these lengths, in order."""
    return np.split(rows, np.cumsum(counts)[:-1])


def to_numpy(rows: Tensor) -> Any:
    """Device rows [N, width] of any precision -> float32 in host memory; waits for the device."""
    return rows.float().cpu().numpy()
