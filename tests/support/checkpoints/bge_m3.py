"""A small seeded checkpoint of bge-m3's form."""

from collections.abc import Sequence
from pathlib import Path

import torch

from .sentence_transformers import make_sentence_checkpoint

WIDTHS = {"sparse_linear": 1, "colbert_linear": 80}  # wider and narrower than the model's 64


def make_bge_m3(folder: Path, names: Sequence[str] = tuple(WIDTHS)) -> Path:
    """As BAAI/bge-m3: XLM-RoBERTa, the first token, length 1, and matrices in pickles beside it."""
    make_sentence_checkpoint(folder, architecture="xlm-roberta", pooling="cls", normalize=True)
    torch.manual_seed(3)
    for name in names:
        torch.save(torch.nn.Linear(64, WIDTHS[name]).state_dict(), folder / f"{name}.pt")
    return folder
