"""What is known of a .mar, of its unpacked folder, or of a checkpoint as `berth pack` would make it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from handler.config import Task

from ..archive.content import MANIFEST
from ..archive.members import Members, open_archive, planned_members
from ..errors import BerthError
from ..machine.machine import read_machine
from ..memory.budget import ModelLoad
from ..memory.model_size import ModelSize
from ..memory.plan import plan_models
from ..pack.check.foreign import refuse_foreign
from ..pack.contents import ReferenceAnswers
from ..pack.options import PackOptions
from ..pack.pack import archive_name, plan
from ..pack.prepare import prepare
from ..progress import Progress
from ..settings import Settings, find_config
from ..sources.source import opened
from .facts import Facts, read_facts

NO_ANSWERS = ReferenceAnswers(inputs=(), parameters={}, answers=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """The facts, and what only this machine or the source tells."""

    facts: Facts
    server_bytes: int | None
    """The most memory that a server with one worker takes on this machine; None where its settings cannot be read."""
    notes: Sequence[str] = ()
    """What was chosen and converted to look at a checkpoint, a sentence each; empty for an archive."""
    task_reason: str | None = None
    """What told a checkpoint's task; None for an archive, which says it itself."""
    other_tasks: Sequence[Task] = ()
    """What a checkpoint could be packed for as well."""


def inspect(address: str, options: PackOptions, progress: Progress) -> Inspection:
    """Look into an archive, or at what `berth pack` with these options would make; Refused when it is neither."""
    path = Path(address)
    if path.suffix == ".mar" or (path / MANIFEST).is_file():
        return inspect_archive(path)
    with opened(address, progress, refuse_foreign) as source, prepare(source, options.task, progress) as prepared:
        planned = plan(prepared, NO_ANSWERS, archive_name(source, options), options)
        seen = _inspect(planned_members(planned))
    return replace(seen, notes=prepared.notes, task_reason=prepared.task_reason, other_tasks=prepared.other_tasks)


def inspect_archive(archive: Path) -> Inspection:
    """Look into a .mar or an unpacked folder; Refused when berth did not pack it."""
    with open_archive(archive) as members:
        return _inspect(members)


def _inspect(members: Members) -> Inspection:
    return Inspection(facts=read_facts(members), server_bytes=_server_bytes(ModelSize.of(members)))


def _server_bytes(size: ModelSize) -> int | None:
    try:
        settings = Settings.load(find_config(None), os.environ)
    except BerthError:  # `berth serve` will say it
        return None
    machine = read_machine(os.environ, None, None)
    return plan_models([ModelLoad(size=size, workers=1)], settings, machine, workers=1).budget.total_bytes
