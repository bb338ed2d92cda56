"""A checkpoint's config.json as transformers reads it, and that of a static embedding model, which it does not know."""

from pathlib import Path
from typing import Any

from transformers import AutoConfig, PreTrainedConfig

from ..vectors.static import STATIC


class StaticConfig(PreTrainedConfig):  # type: ignore[no-untyped-call] # its __init_subclass__
    """A table of vectors: how many, and how wide."""

    model_type = STATIC
    vocab_size: int = 0
    hidden_size: int = 0
    num_hidden_layers: int = 0
    unknown_id: int | None = None


AutoConfig.register(STATIC, StaticConfig)


def load_config(folder: Path) -> Any:
    """Return transformers' config of the checkpoint in `folder`."""
    return AutoConfig.from_pretrained(folder, local_files_only=True)
