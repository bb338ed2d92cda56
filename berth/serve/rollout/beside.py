"""What is settled before a second java starts beside the live one: the archives are verified, the memory is counted."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...front.plan import move_behind
from ...machine.limits import MemoryLimit
from ...machine.machine import Machine, read_machine
from ...machine.quantities import format_bytes
from ...memory.fit import FEWEST_CONNECTIONS, MemoryPlan, excess
from ...memory.plan import plan_memory
from ...memory.split import Split
from ...progress import Advance
from ...settings import Settings
from ...tune.tuning import find_tuning
from ..plan import ServerPlan
from ..prepare import prepare_models
from ..request import Request

ONCE = ("launcher", "the front: ", "imports, shared")
"""Parts of a budget that two javas of one launcher share, by how their names begin."""
SMALL_JAVA = "java was sized for what another version left of the memory: start `berth serve` again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A server beside the live one."""

    plan: ServerPlan
    shortage: str
    """What it lacks because another one lives, for the end of a sentence; "" where it lacks nothing."""


def prepare_beside(request: Request, live: ServerPlan, workers: int, advance: Advance) -> Prepared:
    """Plan a server of the request's archives beside the live one, which has up to `workers` of each model.

    It is sized for the machine alone, and starts with as many workers as memory holds beside the live one; where that
    does not hold one of each, it is sized for what is left. Refused, with the numbers, where not even that fits.
    `advance` may raise.
    """
    assert live.front is not None
    models = prepare_models(request.archives, request.signed_by, advance)
    folders, settings = [model.folder for model in models], request.settings
    whole = _whole(request, live)
    beside = _less(_machine(request, live), live.memory.scaled(workers))
    split, _ = find_tuning(request.archives, settings, whole)
    memory, shortage = _choose(folders, settings, whole, beside, split)
    memory.require_fit()
    split = split if split and split.workers == memory.workers else None
    front = replace(live.front, behind=move_behind(settings), models=models, max_requests=memory.queue_length)
    plan = replace(
        live, models=models, memory=replace(memory, machine=beside), front=replace(front, beside=None), split=split
    )
    return Prepared(plan=plan, shortage=shortage)


def plan_alone(request: Request, live: ServerPlan) -> MemoryPlan:
    """Plan the live server's memory once it has the machine for itself: as many workers as that and its java hold."""
    machine, memory = _whole(request, live), live.memory
    split, _ = find_tuning(request.archives, request.settings, machine)
    wanted = plan_memory([model.folder for model in live.models], request.settings, machine, split=split).workers
    more = (memory.scaled(number) for number in range(min(wanted, memory.max_workers), memory.workers, -1))
    return replace(next((each for each in more if not excess(each.budget, machine)), memory), machine=machine)


def _choose(
    folders: Sequence[Path], settings: Settings, whole: Machine, beside: Machine, split: Split | None
) -> tuple[MemoryPlan, str]:
    """The server with most workers that fits beside the live one, and what it lacks."""
    full, *less = _sizes(folders, settings, whole, split)
    if memory := next((each for each in (full, *less) if not excess(each.budget, beside)), None):
        return memory, f", and {full.workers} once the old version is gone" if memory.workers < full.workers else ""
    split = split if split and split.workers == 1 else None
    memory = plan_memory(folders, settings, beside, 1, split)
    shortage = (
        f", and at most {memory.max_workers} until `berth serve` is started again: java is sized for what is left"
    )
    return replace(memory, why_no_more=SMALL_JAVA), shortage


def _sizes(folders: Sequence[Path], settings: Settings, whole: Machine, split: Split | None) -> Iterator[MemoryPlan]:
    """Yield a server sized for the whole machine with all its workers, which a split is for, then with fewer.

    Where memory is short, connections are counted as at a start on such a machine; the front stays as wide as it is.
    """
    full = plan_memory(folders, settings, whole, split=split)
    yield full
    yield _with_few_connections(full)
    untuned = _with_few_connections(plan_memory(folders, settings, whole, full.workers) if split else full)
    yield from (untuned.scaled(number) for number in range(full.workers - 1, 0, -1))


def _with_few_connections(memory: MemoryPlan) -> MemoryPlan:
    few = min(memory.server.connections, FEWEST_CONNECTIONS)
    return replace(memory, server=replace(memory.server, connections=few)).scaled(memory.workers)


def _machine(request: Request, live: ServerPlan) -> Machine:
    """What the machine grants now, of a GPU's memory what is free now; workers are forked as those of the live one."""
    return replace(read_machine(os.environ, request.memory), not_forked=live.memory.machine.not_forked)


def _whole(request: Request, live: ServerPlan) -> Machine:
    """The machine as if there were no live one, which was counted at so much of a GPU's memory."""
    machine = _machine(request, live)
    if machine.gpu is None:
        return machine
    free = min(machine.gpu.free_bytes + live.memory.budget.gpu_bytes, machine.gpu.total_bytes)
    return replace(machine, gpu=replace(machine.gpu, free_bytes=free))


def _less(machine: Machine, live: MemoryPlan) -> Machine:
    """The machine without what the live server is counted at."""
    own = [part for part in live.budget.parts if not part.name.startswith(ONCE)]
    taken = sum(part.total_bytes for part in own)
    source = f"{machine.memory.source}, beside the {format_bytes(taken)} of what is live,"
    return replace(machine, memory=MemoryLimit(bytes=max(machine.memory.bytes - taken, 0), source=source))
