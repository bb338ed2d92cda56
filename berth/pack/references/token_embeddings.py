"""Dense vectors and what modules say of tokens (bge-m3), with torch alone."""

from dataclasses import replace
from typing import Any

from ..checkpoint import Checkpoint
from .embeddings import EMBEDDINGS
from .reference import Reference


def _read_rows(checkpoint: Checkpoint, output: Any, _is_mask: Any) -> list[float]:
    """The dense vector and, of what is said of the tokens, the mean and each one's sum over their number."""
    import torch  # noqa: PLC0415 - it is there once there is an output

    from ..sentence.text_vector import after_module, text_vector  # noqa: PLC0415

    assert checkpoint.vectors is not None
    states = output.last_hidden_state[0]
    said = []
    if weight := checkpoint.vectors.sparse_module:
        said.append(after_module(checkpoint.root / weight, states))
    if vector := checkpoint.vectors.multi_module:
        said.append(torch.nn.functional.normalize(after_module(checkpoint.root / vector, states), dim=1))
    tokens, dense = torch.cat(said, dim=1).double(), text_vector(checkpoint, states)
    more = max(0, tokens.shape[1] - len(dense)), max(0, len(dense) - tokens.shape[1])
    dense, tokens = torch.nn.functional.pad(dense, (0, more[0])), torch.nn.functional.pad(tokens, (0, more[1]))
    return [*dense.tolist(), *tokens.mean(0).tolist(), *(tokens.sum(1) / len(tokens)).tolist()]


def of_tokens(checkpoint: Checkpoint) -> Reference:
    """The record of a checkpoint with such modules, asked for all that it makes."""
    assert checkpoint.vectors is not None
    parameters = {"vectors": [str(kind) for kind in checkpoint.vectors.kinds]}
    return replace(EMBEDDINGS, read=_read_rows, parameters=parameters)
