"""Sparse vectors: a masked-language model's logits, and what SpladePooling makes of them, with torch alone.

A query that is looked up has the weights of a table, by the tokenizer that lies beside it.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from handler.config import KNOWN_WORD_SUMS

from ...checkpoint_files import WEIGHTS
from ...errors import Refused
from ..checkpoint import Checkpoint
from .embeddings import with_prompt
from .reference import Reference

QUERY = "query"


def sparse_reference(checkpoint: Checkpoint) -> Reference:
    """The record of such a checkpoint's texts, all of them read by the model or some looked up."""
    assert checkpoint.vectors is not None
    if checkpoint.vectors.query_table is None:
        return SPARSE_EMBEDDINGS
    return replace(SPARSE_EMBEDDINGS, prompted={QUERY: replace(SPARSE_EMBEDDINGS, ask=_look_up)})


def _read_weights(checkpoint: Checkpoint, output: Any, _is_mask: Any) -> list[float]:
    """Sums of the words' weights, each of which counts in one of them."""
    assert checkpoint.vectors is not None
    weights = output.logits[0].relu().log1p()  # [tokens, vocabulary]
    if checkpoint.vectors.is_log_twice:
        weights = weights.log1p()
    return _sums(weights.amax(dim=0) if checkpoint.vectors.words == "max" else weights.sum(dim=0))


def _look_up(checkpoint: Checkpoint, _model: Any, _tokenizer: Any, item: str) -> list[float]:
    """The same sums of the table's weights, as SparseStaticEmbedding gives them to the words that are there."""
    import torch  # noqa: PLC0415 - it is there once there is a model

    assert checkpoint.vectors is not None
    tokenizer, table = load_table(checkpoint.root / str(checkpoint.vectors.query_table))
    text = checkpoint.prompts.get(QUERY, "") + item
    is_there = torch.zeros_like(table)
    is_there[tokenizer(text, truncation=True, add_special_tokens=False)["input_ids"]] = 1
    return _sums(table * is_there)


@cache
def load_table(folder: Path) -> tuple[Any, Any]:
    """The tokenizer of queries, and a weight for each of its tokens; Refused where one is below 0."""
    from safetensors.torch import load_file  # noqa: PLC0415 - seconds
    from transformers import AutoTokenizer  # noqa: PLC0415

    weights = load_file(folder / WEIGHTS)["weight"].float()
    if (weights < 0).any():
        raise Refused(
            f"{folder.parent}: a query's table has weights below 0, and berth gives the words of a sparse vector that "
            "weigh more than 0: serve this model with sentence-transformers"
        )
    return AutoTokenizer.from_pretrained(folder, local_files_only=True), weights


def _sums(weights: Any) -> list[float]:
    """Weights [vocabulary] -> their sums, of every KNOWN_WORD_SUMSth word from each of the first."""
    return [weights[first::KNOWN_WORD_SUMS].double().sum().item() for first in range(KNOWN_WORD_SUMS)]


SPARSE_EMBEDDINGS = Reference(auto_class="AutoModelForMaskedLM", texts=with_prompt, read=_read_weights)
