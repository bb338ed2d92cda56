"""Small, seeded tables of vectors without a transformer, as sentence-transformers and model2vec save them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from handler.config import Task
from tests.support.checkpoints import make_checkpoint

WIDTH = 24


def tokenizer_of(folder: Path) -> Tokenizer:
    """As model2vec leaves it: without padding."""
    make_checkpoint(folder, "bert", Task.EMBEDDINGS)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    return tokenizer


def make_static(folder: Path, *, normalize: bool = False, prompts: Mapping[str, str] | None = None) -> Path:
    """As sentence-transformers saves it."""
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415
    from sentence_transformers.sentence_transformer import modules as st  # noqa: PLC0415

    tokenizer = tokenizer_of(folder.parent / f"{folder.name}-words")
    torch.manual_seed(5)
    table: Any = st.StaticEmbedding(tokenizer, embedding_weights=torch.randn(tokenizer.get_vocab_size(), WIDTH))
    behind = [st.Normalize()] if normalize else []
    model = SentenceTransformer(modules=[table, *behind], device="cpu", prompts=dict(prompts or {}))
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def make_model2vec(folder: Path, *, is_folded: bool, kind: torch.dtype = torch.float32) -> Path:
    """As model2vec 0.10 saves it, with weights and a mapping or without."""
    tokenizer = tokenizer_of(folder.parent / f"{folder.name}-words")
    folder.mkdir()
    torch.manual_seed(6)
    num_tokens = tokenizer.get_vocab_size()
    table = torch.randn(64 if is_folded else num_tokens, WIDTH)
    tensors = {"embeddings": (table * 40).to(kind) if kind is torch.int8 else table.to(kind)}
    if is_folded:
        tensors |= {"mapping": torch.randint(64, (num_tokens,)), "weights": torch.rand(num_tokens)}
    save_file(tensors, folder / "model.safetensors")
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"model_type": "model2vec", "architectures": ["StaticModel"], "normalize": True, "hidden_dim": WIDTH}
    (folder / "config.json").write_text(json.dumps(settings), "utf-8")
    return folder
