"""The two models of the drills: the sample, and BERT-base with seeded random weights (438 MB)."""

from pathlib import Path

from berth.pack import PackOptions, pack_checkpoint
from handler.config import Task

from ..gpu.large_checkpoints import make_bert_base


def pack_sample(folder: Path) -> Path:
    """bert.mar in `folder`: embeddings, 91 MB."""
    return pack_checkpoint(None, PackOptions(output=folder))


def pack_bert_base(folder: Path) -> Path:
    """bert-base.mar in `folder`: a classifier, 438 MB."""
    checkpoint = make_bert_base(folder / "bert-base", Task.TEXT_CLASSIFICATION)
    return pack_checkpoint(checkpoint, PackOptions(output=folder))
