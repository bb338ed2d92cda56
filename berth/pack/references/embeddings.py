"""Embeddings: an encoder without a head; its tokens become a vector as sentence-transformers pools them."""

from typing import Any

from ..checkpoint import Checkpoint
from .reference import Reference, Texts


def with_prompt(checkpoint: Checkpoint, item: str) -> list[Texts]:
    """The input behind the checkpoint's default prompt."""
    return [(checkpoint.prompts.get(checkpoint.default_prompt or "", "") + item,)]


def _read_vector(checkpoint: Checkpoint, output: Any, _is_mask: Any) -> list[float]:
    from ..sentence.text_vector import text_vector  # noqa: PLC0415 - imports torch, which is there once there is an output

    numbers: list[float] = text_vector(checkpoint, output.last_hidden_state[0]).tolist()
    return numbers


EMBEDDINGS = Reference(auto_class="AutoModel", endings=("Model",), texts=with_prompt, read=_read_vector)
