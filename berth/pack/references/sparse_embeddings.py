"""Sparse vectors: a masked-language model's logits, and what SpladePooling makes of them, with torch alone."""

from typing import Any

from handler.config import KNOWN_WORD_SUMS

from ..checkpoint import Checkpoint
from .embeddings import with_prompt
from .reference import Reference


def _read_weights(checkpoint: Checkpoint, output: Any, _is_mask: Any) -> list[float]:
    """Sums of the words' weights, each of which counts in one of them."""
    assert checkpoint.vectors is not None
    weights = output.logits[0].relu().log1p()  # [tokens, vocabulary]
    if checkpoint.vectors.is_log_twice:
        weights = weights.log1p()
    weights = weights.amax(dim=0) if checkpoint.vectors.words == "max" else weights.sum(dim=0)
    return [weights[first::KNOWN_WORD_SUMS].double().sum().item() for first in range(KNOWN_WORD_SUMS)]


SPARSE_EMBEDDINGS = Reference(auto_class="AutoModelForMaskedLM", texts=with_prompt, read=_read_weights)
