"""Embedders of the decoder kind: causal attention and the last token's vector, with an instruction before a query."""

from functools import partial
from pathlib import Path

from tests.support.checkpoints.decoders import make_qwen3

from ..kind import Kind
from .sentence import vectors


def _qwen3(default_prompt: str | None, folder: Path) -> str:
    return str(make_qwen3(folder, default_prompt))


KINDS = (
    Kind(name="Qwen3-Embedding as published", make=partial(_qwen3, None), expected=vectors),
    Kind(name="Qwen3-Embedding, its instruction for queries", make=partial(_qwen3, "query"), expected=vectors),
)
