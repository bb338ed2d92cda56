"""What a task reads off transformers' own model: pooled vectors, or logits of texts, of tokens or of masks."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)

from ..config import VOCABULARY_PER_TOKEN, HandlerConfig
from ..errors import ConfigError
from ..tasks import reads_of
from ..tasks.kind import Reads
from ..text.encoded import EncodedText
from ..text.tokenization import Tokenizer
from .hooks import keep_first_tokens, keep_masks
from .placement import Placement
from .readouts.base import ByText, ByToken, Numbers, Readout, Seen
from .readouts.candidates import CandidateReadout
from .readouts.late import LateReadout
from .readouts.spans import TypedSpanReadout
from .readouts.vectors import PooledReadout, TokensReadout
from .readouts.words import WordReadout


class TextReadout(ByText):
    """Sequence classification: logits of each text [labels]."""

    auto_class = AutoModelForSequenceClassification

    def attach(self, network: Any) -> None:
        network.base_model.register_forward_hook(keep_first_tokens, with_kwargs=True)

    def read(self, output: Any, _: Seen) -> Tensor:
        logits: Tensor = output.logits
        return logits


class TokenReadout(ByToken):
    """Token classification: logits of each token [T, labels]."""

    auto_class = AutoModelForTokenClassification

    def read(self, output: Any, seen: Seen) -> Tensor:
        return seen.tokens(output.logits)


class SpanReadout(ByToken):
    """Question answering: logits of each token, as an answer's start and as its end [T, 2]."""

    auto_class = AutoModelForQuestionAnswering

    def read(self, output: Any, seen: Seen) -> Tensor:
        return seen.tokens(torch.stack((output.start_logits, output.end_logits), dim=-1))


class MaskReadout(ByToken):
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
    Reads.WORD_WEIGHTS: WordReadout,
    Reads.TEXT_AND_TOKENS: TokensReadout,
    Reads.TYPED_SPANS: TypedSpanReadout,
    Reads.CANDIDATE_LOGITS: CandidateReadout,
    Reads.TOKEN_VECTORS: LateReadout,
}


def make_readout(folder: Path, config: HandlerConfig, placement: Placement, tokenizer: Tokenizer) -> Readout:
    """The readout of the config's task."""
    return READOUTS[reads_of(config)](folder, config, placement, tokenizer)


def to_numpy(rows: Tensor) -> Numbers:
    """Device rows [R, width] of any precision -> float32 in host memory; waits for the device."""
    numbers: Numbers = rows.float().cpu().numpy()
    return numbers
