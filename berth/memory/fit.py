"""A server's budget against what it may use: what java gets, what may be added later, or why it is refused. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import Refused
from ..machine.machine import Machine
from ..machine.quantities import format_bytes
from .budget import Budget, ModelLoad, Part, ServerSizes, plan_budget

ROOM_FOR_WORKERS = 4  # per model: java is sized for so many where memory is left, so that `berth scale` may add them
LARGEST_PARTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """How much memory a server takes of what its machine grants."""

    budget: Budget
    """The server as it starts, with a java for `max_workers`."""
    least: Budget
    """The same server with a java for no more workers than it starts with: what it needs to start at all."""
    machine: Machine
    names: tuple[str, ...]
    """The models' names."""
    max_workers: int
    """Workers that each model may have: java was sized for them, and memory holds them."""
    why_no_more: str
    """Why `max_workers` is the limit, for a sentence."""
    refusal: str | None
    """Why the server cannot start, with the numbers and what to change; None where it fits."""

    def require_fit(self) -> None:
        """Refused where the server does not fit."""
        if self.refusal:
            raise Refused(self.refusal)


def fit(models: Sequence[ModelLoad], server: ServerSizes, machine: Machine) -> MemoryPlan:
    """Plan a java for as many workers as may be added, or say why even these models do not fit."""
    least = plan_budget(models, server)
    most = max(model.workers for model in models)
    room = max(most, ROOM_FOR_WORKERS)
    while room > most and _excess(plan_budget(_with_workers(models, room), server), machine):
        room -= 1
    larger = plan_budget(_with_workers(models, room), server)
    return MemoryPlan(
        budget=plan_budget(models, server, larger.jvm),
        least=least,
        machine=machine,
        names=tuple(model.size.name for model in models),
        max_workers=room,
        why_no_more=_why_no_more(models, room, server, machine),
        refusal=_refusal(least, models, server, machine),
    )


def describe_part(part: Part) -> str:
    """One part of a budget, for a sentence."""
    return f"{part.name} {format_bytes(part.bytes)}{f' x {part.count}' if part.count > 1 else ''}"


def _why_no_more(models: Sequence[ModelLoad], room: int, server: ServerSizes, machine: Machine) -> str:
    next_one = plan_budget(_with_workers(models, room + 1), server)
    if excess := _excess(next_one, machine):
        return f"{room + 1} workers of each model would need {_amounts(next_one, machine, excess)}"
    return "java was sized for no more when the server started: start it with a larger default_workers_per_model"


def _refusal(budget: Budget, models: Sequence[ModelLoad], server: ServerSizes, machine: Machine) -> str | None:
    excess = _excess(budget, machine)
    if not excess:
        return None
    parts = budget.gpu_parts if excess == "gpu" else budget.parts
    largest = sorted(parts, key=lambda part: -part.total_bytes)[:LARGEST_PARTS]
    names = ", ".join(model.size.name for model in models)
    return (
        f"{names} would need {_amounts(budget, machine, excess)}; most of it: "
        f"{', '.join(map(describe_part, largest))}. What helps: {_advice(models, server, machine, excess)}"
    )


def _excess(budget: Budget, machine: Machine) -> str:
    """Which memory is too small, "gpu" or "memory"; nothing where both are large enough."""
    if machine.gpu_bytes is not None and budget.gpu_bytes > machine.gpu_bytes:
        return "gpu"
    return "memory" if budget.total_bytes > machine.memory.bytes else ""


def _amounts(budget: Budget, machine: Machine, excess: str) -> str:
    if excess == "gpu":
        assert machine.gpu_bytes is not None
        return f"{format_bytes(budget.gpu_bytes)} of a GPU's memory, and it has {format_bytes(machine.gpu_bytes)}"
    return (
        f"{format_bytes(budget.total_bytes)} of memory, and {machine.memory.source} grants "
        f"{format_bytes(machine.memory.bytes)}"
    )


def _advice(models: Sequence[ModelLoad], server: ServerSizes, machine: Machine, excess: str) -> str:
    """What would make the server fit; fewer workers only where that does."""
    most = max(model.workers for model in models)
    fewer = range(most - 1, 0, -1)
    fitting = next((n for n in fewer if not _excess(plan_budget(_with_workers(models, n), server), machine)), None)
    fits = (
        f"{fitting} worker{'s' * (fitting > 1)} of each model would fit (default_workers_per_model); else "
        if fitting
        else ""
    )
    if excess == "gpu":
        return (
            f"{fits}a GPU with more memory, or an archive packed with a smaller --token-budget or another --precision"
        )
    return (
        f"{fits}more memory, or a lower job_queue_size or max_request_size, or an archive packed with a smaller "
        "--batch-size or --token-budget or another --precision; `berth budget` shows every part, and --memory "
        "overrides the limit"
    )


def _with_workers(models: Sequence[ModelLoad], workers: int) -> list[ModelLoad]:
    return [replace(model, workers=workers) for model in models]
