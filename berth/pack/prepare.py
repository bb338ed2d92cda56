"""A source becomes a checkpoint whose files can be packed, with the heads that the user gave for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from handler.config import Task

from ..archive.zip_layout import check_size
from ..checkpoint_files import CONFIG, load_json
from ..convert.convert import converted
from ..progress import Progress
from ..sources.source import Source
from .check.damaged import refuse_damaged
from .check.files import check_files
from .check.foreign import refuse_foreign
from .checkpoint import Checkpoint
from .heads.head import FurtherHead
from .load_checkpoint import load_checkpoint, reason_of
from .other_tasks import other_tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A checkpoint whose files can be packed, and how it came to be one."""

    source: Source
    checkpoint: Checkpoint
    task_reason: str
    """How its task was chosen."""
    other_tasks: tuple[Task, ...]
    """What it could be packed for as well; empty where the user has chosen."""
    notes: tuple[str, ...]
    """What was chosen and converted on the way, a sentence each."""
    heads: tuple[FurtherHead, ...] = ()
    """Heads beside the one that answers by default."""
    first_head: FurtherHead | None = None
    """That one, where it came from --head too; None: the checkpoint's own, which is called as the archive is."""


@contextmanager
def prepare(source: Source, task: Task | None, progress: Progress) -> Iterator[Prepared]:
    """The source's checkpoint in today's form, its files checked; Refused when it cannot be packed."""
    refuse_damaged(source.folder)
    refuse_foreign(source.folder)
    with converted(source.folder, progress) as ready:
        checkpoint = load_checkpoint(ready.folder, task)
        check_files(checkpoint)
        check_size(sum((checkpoint.root / file).stat().st_size for file in checkpoint.files), str(checkpoint.root))
        yield Prepared(
            source=source,
            checkpoint=checkpoint,
            task_reason="chosen with --task" if task else reason_of(ready.folder, checkpoint.task),
            other_tasks=()
            if task or checkpoint.candidates
            else other_tasks(load_json(checkpoint.root / CONFIG), checkpoint.task),
            notes=(*source.notes, *ready.notes),
        )
