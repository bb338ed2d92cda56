"""What is settled before a second java starts beside the live one: the archives are verified, the memory is counted."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...archive.served_model import ServedModel
from ...front.plan import move_behind
from ...machine.limits import MemoryLimit
from ...machine.machine import Machine, read_machine
from ...machine.quantities import format_bytes
from ...memory.fit import FEWEST_CONNECTIONS, MemoryPlan, amounts, excess
from ...memory.plan import plan_memory
from ...memory.split import Split
from ...progress import Advance
from ...settings import Settings
from ...tune.tuning import find_tuning
from ..plan import ServerPlan
from ..prepare import prepare_models
from ..request import Request
from .change import changed

ONCE = ("launcher", "the front: ", "imports, shared")
"""Parts of a budget that two javas of one launcher share, by how their names begin."""
SMALL_JAVA = "java was sized for what another version left of the memory: start `berth serve` again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A server beside the live one."""

    plan: ServerPlan
    shortage: str
    """What it lacks because another one lives, for the end of a sentence; "" where it lacks nothing."""
    wanted: Mapping[str, int]
    """How many workers each model is to have once the other server is gone, by its path."""


def prepare_beside(request: Request, live: ServerPlan, advance: Advance) -> Prepared:
    """Plan a server of the request's archives beside the live one, whose plan has the workers that there are now.

    It is sized for the machine alone. Each model keeps its number of workers, and what takes another's place gets that
    one's, as far as memory holds them beside the live server; where that does not hold one of each, it is sized for
    what is left. Refused, with the numbers, where not even that fits. `advance` may raise.
    """
    assert live.front is not None
    models = prepare_models(request.archives, request.signed_by, advance)
    folders, settings = [model.folder for model in models], request.settings
    whole = _whole(request, live)
    beside = _less(_machine(request, live), live.memory)
    split, _ = find_tuning(request.archives, settings, whole)
    full, *less = _sizes(folders, settings, whole, split, _kept(live, models))
    split = split if split and split.workers == full.workers else None
    memory, shortage = _choose((full, *less), beside) or _small(folders, settings, beside, split)
    split = split if split and split.workers == memory.workers else None
    front = replace(live.front, behind=move_behind(settings), models=models, max_requests=memory.queue_length)
    plan = replace(
        live, models=models, memory=replace(memory, machine=beside), front=replace(front, beside=None), split=split
    )
    return Prepared(plan=plan, shortage=shortage, wanted=full.workers_of)


def plan_alone(request: Request, live: ServerPlan, wanted: Mapping[str, int]) -> MemoryPlan:
    """Plan the live server's memory once it has the machine for itself: the workers of each model, by its path, that
    are wanted, as far as that and its java hold them.
    """
    machine, memory = _whole(request, live), live.memory
    most = min(max(wanted.values()), memory.max_workers)
    more = (_at_most(memory, number, wanted) for number in range(most, memory.workers, -1))
    return replace(next((each for each in more if not excess(each.budget, machine)), memory), machine=machine)


def _kept(live: ServerPlan, models: Sequence[ServedModel]) -> dict[str, int]:
    """How many workers models have now, or those whose place they take, by their paths; nothing of a further one."""
    now = live.memory.workers_of
    former = {new.path: now[old.path] for old, new in changed(live.models, models)}
    return {model.path: workers for model in models if (workers := now.get(model.path) or former.get(model.path))}


def _choose(sizes: Sequence[MemoryPlan], beside: Machine) -> tuple[MemoryPlan, str] | None:
    """The server with most workers that fits beside the live one, and what it lacks; None where none does."""
    full = sizes[0]
    memory = next((each for each in sizes if not excess(each.budget, beside)), None)
    if memory is None:
        return None
    if memory.workers_of == full.workers_of:
        return memory, ""
    needed = amounts(full.budget, beside, excess(full.budget, beside))
    return memory, f"; {full.told_workers} would need {needed}: they come once the old version is gone"


def _small(folders: Sequence[Path], settings: Settings, beside: Machine, split: Split | None) -> tuple[MemoryPlan, str]:
    """A server that is sized for what the live one leaves, and what it lacks; NoMemory where that does not fit."""
    memory = plan_memory(folders, settings, beside, 1, split if split and split.workers == 1 else None)
    memory.require_fit()
    shortage = (
        f", and at most {memory.max_workers} until `berth serve` is started again: java is sized for what is left"
    )
    return replace(memory, why_no_more=SMALL_JAVA), shortage


def _sizes(
    folders: Sequence[Path], settings: Settings, whole: Machine, split: Split | None, kept: Mapping[str, int]
) -> Iterator[MemoryPlan]:
    """Yield a server sized for the whole machine with all workers that are kept, then with fewer.

    A split is for its own number of workers alone. No model gets more than java is sized for at a start. Where memory
    is short, connections are counted as at a start on such a machine; the front stays as wide as it is.
    """
    tuned = plan_memory(folders, settings, whole, split=split)
    untuned = plan_memory(folders, settings, whole, tuned.workers) if split else tuned
    wanted = {**tuned.workers_of, **kept}
    is_tuned = {*wanted.values()} == {tuned.workers}
    full = _at_most(tuned if is_tuned else untuned, tuned.max_workers, wanted)
    yield full
    yield _with_few_connections(full)
    few = _with_few_connections(untuned)
    yield from (_at_most(few, number, wanted) for number in range(full.workers - 1, 0, -1))


def _at_most(memory: MemoryPlan, most: int, wanted: Mapping[str, int]) -> MemoryPlan:
    """The same java with the workers of each model that are wanted, but no more than so many."""
    return memory.with_workers_of({path: min(workers, most) for path, workers in wanted.items()})


def _with_few_connections(memory: MemoryPlan) -> MemoryPlan:
    few = min(memory.server.connections, FEWEST_CONNECTIONS)
    return replace(memory, server=replace(memory.server, connections=few)).with_workers_of({})


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
