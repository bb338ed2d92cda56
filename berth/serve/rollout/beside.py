"""What is settled before a second java starts beside the live one: the archives are verified, the memory is counted."""

import os
from dataclasses import replace

from ...archive.served_model import ServedModel
from ...front.plan import move_behind
from ...machine.limits import MemoryLimit
from ...machine.machine import Machine, read_machine
from ...machine.quantities import format_bytes
from ...memory.fit import MemoryPlan
from ...memory.plan import plan_memory
from ...progress import Advance
from ...tune.tuning import find_tuning
from ..plan import ServerPlan
from ..prepare import prepare_models
from ..request import Request

ONCE = ("launcher", "the front: ", "imports, shared")
"""Parts of a budget that two javas of one launcher share, by how their names begin."""


def prepare_beside(request: Request, live: ServerPlan, advance: Advance) -> ServerPlan:
    """Plan a server of the request's archives beside the live one.

    Refused, with the numbers, where memory does not hold one worker of each beside it. `advance` may raise.
    """
    assert live.front is not None
    models = prepare_models(request.archives, request.signed_by, advance)
    machine = _less(_machine(request, live), live)
    memory = _plan(request, models, machine)
    if memory.refusal:
        memory = _plan(request, models, machine, workers=1)
        memory.require_fit()
    split, _ = find_tuning(request.archives, request.settings, machine)
    split = split if split and split.workers == memory.workers else None
    front = replace(
        live.front, behind=move_behind(request.settings), models=models, max_requests=memory.queue_length, beside=None
    )
    return replace(live, models=models, memory=memory, front=front, split=split)


def workers_alone(request: Request, live: ServerPlan) -> int:
    """How many workers of each model a server has once it has the machine for itself, as far as its java allows."""
    alone = _plan(request, live.models, _machine(request, live))
    return max(live.num_workers, min(alone.workers, live.memory.max_workers))


def _plan(
    request: Request, models: tuple[ServedModel, ...], machine: Machine, workers: int | None = None
) -> MemoryPlan:
    split, _ = find_tuning(request.archives, request.settings, machine, workers or 0)
    return plan_memory([model.folder for model in models], request.settings, machine, workers, split)


def _machine(request: Request, live: ServerPlan) -> Machine:
    """What the machine grants now, of a GPU's memory what is free now; workers are forked as those of the live one."""
    return replace(read_machine(os.environ, request.memory), not_forked=live.memory.machine.not_forked)


def _less(machine: Machine, live: ServerPlan) -> Machine:
    """The machine without what the live server was counted at."""
    own = [part for part in live.memory.budget.parts if not part.name.startswith(ONCE)]
    taken = sum(part.total_bytes for part in own)
    source = f"{machine.memory.source}, beside the {format_bytes(taken)} of what is live,"
    return replace(machine, memory=MemoryLimit(bytes=max(machine.memory.bytes - taken, 0), source=source))
