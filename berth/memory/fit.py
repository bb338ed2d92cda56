"""A server's budget against what it may use: what java gets, what may be added later, or why it is refused. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from ..errors import NoMemory
from ..machine.machine import Machine
from ..machine.quantities import format_bytes
from .budget import Budget, ModelLoad, Part, ServerSizes, plan_budget

ROOM_FOR_WORKERS = 4  # per model: java is sized for so many where memory is left, so that `berth scale` may add them
ROOM_ON_GPUS = 2  # times the workers that a server with GPUs starts with
QUEUE_STEP = 128  # requests by which a queue is made longer where that is left to berth
FEWEST_CONNECTIONS = 1_000
"""Clients that the front can hold where memory is short."""
MOST_CONNECTIONS = 12_000  # where there is enough: 10,000 idle ones, and those that ask
LARGEST_PARTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """How much memory a server takes of what its machine grants."""

    budget: Budget
    """The server as it starts, with a java for `max_workers`."""
    least: Budget
    """The same server with the shortest queue and a java for no more workers: what it needs to start at all."""
    machine: Machine
    names: tuple[str, ...]
    """The models' names."""
    workers: int
    """Workers that each model has; of the model with most, where a rollout keeps other numbers."""
    why_workers: str
    """Why so many, for a sentence."""
    queue_length: int
    """Requests that may wait for each model."""
    connections: int
    """Clients that may be connected to the front; 0 where there is none."""
    max_workers: int
    """Workers that each model may have: java was sized for them, and memory holds them."""
    why_no_more: str
    """Why `max_workers` is the limit, for a sentence."""
    refusal: str | None
    """Why the server cannot start, with the numbers and what to change; None where it fits."""
    models: tuple[ModelLoad, ...]
    server: ServerSizes
    """What the budget was counted for."""

    def require_fit(self) -> None:
        """NoMemory where the server does not fit."""
        if self.refusal:
            raise NoMemory(self.refusal)

    def scaled(self, workers: int) -> Self:
        """The same java with another number of workers of each model."""
        return self._with(with_workers(self.models, workers), workers)

    def with_workers_of(self, workers: Mapping[str, int]) -> Self:
        """The same java with a number of workers for each model, by its path; a model that is not named keeps its."""
        models = [replace(model, workers=workers.get(model.size.path, model.workers)) for model in self.models]
        return self._with(models, max(model.workers for model in models))

    @property
    def workers_of(self) -> dict[str, int]:
        """How many workers each model has, by its path."""
        return {model.size.path: model.workers for model in self.models}

    @property
    def told_workers(self) -> str:
        """The same, for a sentence."""
        if len({*self.workers_of.values()}) <= 1:
            return f"{_count(self.workers)} of each model"
        return ", ".join(f"{_count(number)} of {path}" for path, number in self.workers_of.items())

    def _with(self, models: Sequence[ModelLoad], most: int) -> Self:
        budget = plan_budget(models, self.server, self.budget.jvm)
        return replace(self, models=tuple(models), workers=most, budget=budget)


def fit(
    models: Sequence[ModelLoad],
    shortest: ServerSizes,
    machine: Machine,
    *,
    why_workers: str,
    longest_queue: int | None = None,
) -> MemoryPlan:
    """Plan a java for as many workers as may be added, or say why even these models do not fit.

    `shortest`: the server with the shortest queue and the fewest connections that will do; `longest_queue`: up to how
    many requests may wait where memory holds them, before room is made for more workers; None: as `shortest` says.
    """
    least = plan_budget(models, shortest)
    server = _with_queue(models, shortest, machine, longest_queue or shortest.queue_length)
    server = _with_connections(models, server, machine)
    most = max(model.workers for model in models)
    room = max(most * (ROOM_ON_GPUS if server.num_gpus else 1), ROOM_FOR_WORKERS)
    while room > most and excess(plan_budget(with_workers(models, room), server), machine):
        room -= 1
    larger = plan_budget(with_workers(models, room), server)
    return MemoryPlan(
        budget=plan_budget(models, server, larger.jvm),
        least=least,
        machine=machine,
        names=tuple(model.size.name for model in models),
        workers=most,
        why_workers=why_workers,
        queue_length=server.queue_length,
        connections=server.connections,
        max_workers=room,
        why_no_more=_why_no_more(models, room, server, machine),
        refusal=_refusal(least, models, shortest, machine),
        models=tuple(models),
        server=server,
    )


def _with_queue(models: Sequence[ModelLoad], server: ServerSizes, machine: Machine, longest: int) -> ServerSizes:
    """The server with the longest queue that memory holds beside its worst case."""
    lengths = range(longest, server.queue_length, -QUEUE_STEP)
    longer = (replace(server, queue_length=length) for length in lengths)
    return next((each for each in longer if not excess(plan_budget(models, each), machine)), server)


def _with_connections(models: Sequence[ModelLoad], server: ServerSizes, machine: Machine) -> ServerSizes:
    """The server with as many connections to its front, if it has one, as memory holds beside its worst case."""
    if not server.connections:
        return server
    spare = max(machine.memory.bytes - plan_budget(models, server).total_bytes, 0)
    return replace(server, connections=min(server.connections + spare // server.connection_bytes, MOST_CONNECTIONS))


def describe_part(part: Part) -> str:
    """One part of a budget, for a sentence."""
    return f"{part.name} {format_bytes(part.bytes)}{f' x {part.count}' if part.count > 1 else ''}"


def _why_no_more(models: Sequence[ModelLoad], room: int, server: ServerSizes, machine: Machine) -> str:
    next_one = plan_budget(with_workers(models, room + 1), server)
    if too_small := excess(next_one, machine):
        return f"{room + 1} workers of each model would need {amounts(next_one, machine, too_small)}"
    return "java was sized for no more when the server started: start it with a larger default_workers_per_model"


def _refusal(budget: Budget, models: Sequence[ModelLoad], server: ServerSizes, machine: Machine) -> str | None:
    too_small = excess(budget, machine)
    if not too_small:
        return None
    parts = budget.gpu_parts if too_small == "gpu" else budget.parts
    largest = sorted(parts, key=lambda part: -part.total_bytes)[:LARGEST_PARTS]
    names = ", ".join(model.size.name for model in models)
    return (
        f"{names} would need {amounts(budget, machine, too_small)}; most of it: "
        f"{', '.join(map(describe_part, largest))}. What helps: {_advice(models, server, machine, too_small)}"
    )


def excess(budget: Budget, machine: Machine) -> str:
    """Which memory is too small, "gpu" or "memory"; nothing where both are large enough."""
    if machine.gpu is not None and budget.gpu_bytes > machine.gpu.free_bytes:
        return "gpu"
    return "memory" if budget.total_bytes > machine.memory.bytes else ""


def amounts(budget: Budget, machine: Machine, too_small: str) -> str:
    """What is needed and what there is of the memory that `excess` names, for a sentence."""
    if too_small == "gpu":
        assert machine.gpu is not None
        free, total = format_bytes(machine.gpu.free_bytes), format_bytes(machine.gpu.total_bytes)
        return f"{format_bytes(budget.gpu_bytes)} of a GPU's memory, and {free} of its {total} are free"
    return (
        f"{format_bytes(budget.total_bytes)} of memory, and {machine.memory.source} grants "
        f"{format_bytes(machine.memory.bytes)}"
    )


def _advice(models: Sequence[ModelLoad], server: ServerSizes, machine: Machine, too_small: str) -> str:
    """What would make the server fit; fewer workers only where that does."""
    most = max(model.workers for model in models)
    fewer = range(most - 1, 0, -1)
    fitting = next((n for n in fewer if not excess(plan_budget(with_workers(models, n), server), machine)), None)
    fits = (
        f"{fitting} worker{'s' * (fitting > 1)} of each model would fit (default_workers_per_model); else "
        if fitting
        else ""
    )
    if too_small == "gpu":
        return (
            f"{fits}a GPU with more free memory (`nvidia-smi` shows who holds it), or an archive packed with a smaller "
            "--token-budget or another --precision"
        )
    return (
        f"{fits}more memory, or a lower job_queue_size or max_request_size, or an archive packed with a smaller "
        "--batch-size or --token-budget or another --precision; `berth budget` shows every part, and --memory "
        "overrides the limit"
    )


def _count(workers: int) -> str:
    return f"{workers} worker{'s' * (workers > 1)}"


def with_workers(models: Sequence[ModelLoad], workers: int) -> list[ModelLoad]:
    """The same models with this many workers each."""
    return [replace(model, workers=workers) for model in models]
