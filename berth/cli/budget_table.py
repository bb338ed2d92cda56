"""A memory plan for people, as a table, or for programs, as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.table import Table
from rich.text import Text

from ..clients.messages import JsonObject
from ..machine.quantities import format_bytes
from ..memory.budget import Part
from ..memory.fit import MemoryPlan
from .tables import draw


def render_budget(plan: MemoryPlan, *, as_json: bool) -> str:
    """Every part of what a server takes, what it may take, and what was assumed of the machine."""
    if as_json:
        return json.dumps(_budget_json(plan))
    budget, machine = plan.budget, plan.machine
    grants = {f"{machine.memory.source} grants": machine.memory.bytes}
    shown: list[Table | Text] = [_part_table("memory", budget.parts, {**_totals(plan), **grants})]
    if budget.gpu_parts:
        gpu = machine.gpu
        gpu_ends = {"all": budget.gpu_bytes, "free on one GPU now": gpu.free_bytes if gpu else None}
        shown.append(_part_table("one GPU's memory", budget.gpu_parts, gpu_ends))
    return draw(*shown, Text(_assumptions(plan)))


def _totals(plan: MemoryPlan) -> Mapping[str, int]:
    """What the server takes; beside it the least that starts it, where java was given room for more workers."""
    total, least = plan.budget.total_bytes, plan.least.total_bytes
    if total == least:
        return {"all": total}
    return {f"all, with room for {plan.max_workers} workers per model": total, "least, without that room": least}


def _budget_json(plan: MemoryPlan) -> JsonObject:
    budget, machine = plan.budget, plan.machine
    totals = {"total_bytes": budget.total_bytes, "gpu_bytes": budget.gpu_bytes, "least_bytes": plan.least.total_bytes}
    limits = {"memory": asdict(machine.memory), "gpu": asdict(machine.gpu) if machine.gpu else None}
    found = {"cores": machine.cores, "num_gpus": machine.num_gpus, "not_forked": machine.not_forked}
    names = ("workers", "why_workers", "queue_length", "connections", "max_workers")
    chosen = {name: getattr(plan, name) for name in names}
    return {**asdict(budget), **totals, **chosen, "limits": limits, "machine": found}


def _part_table(title: str, parts: Sequence[Part], ends: Mapping[str, int | None]) -> Table:
    table = Table(title, "each", "number", "together")
    for part in parts:
        table.add_row(part.name, format_bytes(part.bytes), str(part.count), format_bytes(part.total_bytes))
    table.add_section()
    for name, amount in ends.items():
        table.add_row(name, "", "", "not known" if amount is None else format_bytes(amount))
    return table


def _assumptions(plan: MemoryPlan) -> str:
    """What was chosen, and the machine that was counted for: this one, as far as no option says otherwise."""
    machine = plan.machine
    gpus = f"{machine.num_gpus} GPU{'s' * (machine.num_gpus > 1)}" if machine.num_gpus else "no GPU"
    forks = f"workers are not forked: {machine.not_forked}" if machine.not_forked else "workers are forked"
    chosen = f"workers of each model: {plan.workers}, because {plan.why_workers}; queue: {plan.queue_length} requests\n"
    front = (
        f"connections to the front: {plan.connections}\n" if machine.haproxy else f"no front: {machine.no_haproxy}\n"
    )
    return f"{chosen}{front}counted for {machine.cores} core{'s' * (machine.cores > 1)} and {gpus}; {forks}"
