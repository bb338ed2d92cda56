"""Models whose answers a task's own model does not show: sparse vectors, vectors of tokens, one of several heads."""

from collections.abc import Iterator
from pathlib import Path

from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from handler.config import Task
from tests.support.checkpoints import make_checkpoint
from tests.support.checkpoints.heads import make_sibling
from tests.support.checkpoints.late import make_pylate
from tests.support.checkpoints.sentence_transformers import make_sparse_encoder

SPARSE, LATE, HEADS = KINDS = ("untrained-sparse", "untrained-late-interaction", "untrained-heads")
URGENCY = ("at once", "today", "some day")


def pack_kinds(folder: Path) -> Iterator[Path]:
    """Make and pack one of each, named as in KINDS; small and untrained."""
    for name, make in ((SPARSE, make_sparse_encoder), (LATE, make_pylate)):
        yield pack_checkpoint(make(folder / name), PackOptions(output=folder)).archive
    first = make_checkpoint(folder / HEADS, "bert", Task.TEXT_CLASSIFICATION)
    second = make_sibling(first, folder / "urgency", URGENCY, seed=1, task=Task.TEXT_CLASSIFICATION)
    yield pack_checkpoint(first, PackOptions(output=folder, heads=(("urgency", str(second)),))).archive
