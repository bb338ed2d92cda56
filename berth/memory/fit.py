"""A server's budget against what it may use: what java gets, what may be added later, or why it is refused. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import Refused
from ..machine.limits import MemoryLimit
from ..machine.quantities import format_bytes
from .budget import Budget, ModelLoad, Part, ServerSizes, plan_budget

ROOM_FOR_WORKERS = 4  # per model: java is sized for so many where memory is left, so that `berth scale` may add them
LARGEST_PARTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a server may use."""

    memory: MemoryLimit
    gpu_bytes: int | None = None
    """Of one GPU; None where there is none, or nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A server that fits."""

    budget: Budget
    names: tuple[str, ...]
    """Of the models."""
    max_workers: int
    """Of each model: what java was sized for, and memory holds."""
    reason: str
    """Why not more, for a sentence."""

    def capacity(self) -> dict[str, object]:
        """What the launcher tells `berth scale`."""
        return {"models": self.names, "max_workers": self.max_workers, "reason": self.reason}


def fit(models: Sequence[ModelLoad], server: ServerSizes, limits: Limits) -> Fitted:
    """The budget with a java for as many workers as may be added; Refused where even these models do not fit."""
    require_fit(plan_budget(models, server), models, server, limits)
    most = max(model.workers for model in models)
    room = max(most, ROOM_FOR_WORKERS)
    while room > most and _excess(plan_budget(_with_workers(models, room), server), limits):
        room -= 1
    larger = plan_budget(_with_workers(models, room), server)
    next_one = plan_budget(_with_workers(models, room + 1), server)
    excess = _excess(next_one, limits)
    reason = (
        f"{room + 1} workers of each model would need {_amounts(next_one, limits, excess)}"
        if excess
        else "java was sized for no more when the server started: start it with a larger default_workers_per_model"
    )
    return Fitted(
        budget=plan_budget(models, server, larger.jvm),
        names=tuple(model.facts.name for model in models),
        max_workers=room,
        reason=reason,
    )


def require_fit(budget: Budget, models: Sequence[ModelLoad], server: ServerSizes, limits: Limits) -> None:
    """Refused with the numbers and what to change."""
    excess = _excess(budget, limits)
    if not excess:
        return
    parts = budget.gpu_parts if excess == "gpu" else budget.parts
    largest = sorted(parts, key=lambda part: -part.total_bytes)[:LARGEST_PARTS]
    names = ", ".join(model.facts.name for model in models)
    raise Refused(
        f"{names} would need {_amounts(budget, limits, excess)}; most of it: "
        f"{', '.join(map(describe_part, largest))}. What helps: {_advice(budget, models, server, limits)}"
    )


def describe_part(part: Part) -> str:
    """For a sentence."""
    return f"{part.name} {format_bytes(part.bytes)}{f' x {part.count}' if part.count > 1 else ''}"


def _excess(budget: Budget, limits: Limits) -> str:
    """Which memory is too small; nothing where both are large enough."""
    if limits.gpu_bytes is not None and budget.gpu_bytes > limits.gpu_bytes:
        return "gpu"
    return "memory" if budget.total_bytes > limits.memory.bytes else ""


def _amounts(budget: Budget, limits: Limits, excess: str) -> str:
    if excess == "gpu":
        assert limits.gpu_bytes is not None
        return f"{format_bytes(budget.gpu_bytes)} of a GPU's memory, and it has {format_bytes(limits.gpu_bytes)}"
    return (
        f"{format_bytes(budget.total_bytes)} of memory, and {limits.memory.source} grants "
        f"{format_bytes(limits.memory.bytes)}"
    )


def _advice(budget: Budget, models: Sequence[ModelLoad], server: ServerSizes, limits: Limits) -> str:
    """What would make it fit; fewer workers only where that does."""
    most = max(model.workers for model in models)
    fewer = range(most - 1, 0, -1)
    fitting = next((n for n in fewer if not _excess(plan_budget(_with_workers(models, n), server), limits)), None)
    fits = (
        f"{fitting} worker{'s' * (fitting > 1)} of each model would fit (default_workers_per_model); else "
        if fitting
        else ""
    )
    if _excess(budget, limits) == "gpu":
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
