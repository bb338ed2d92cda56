"""How a run of `berth bulk` is seen: a bar on a terminal, a line of JSON now and then elsewhere, a summary."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from ...bulk.run import Account, Watch
from ...bulk.storage.address import Place
from ...console import pass_on
from ...machine.quantities import format_bytes

if TYPE_CHECKING:
    from ...bulk.plan import Plan

LINE_EVERY_S = 10.0
HOUR_S, MINUTE_S = 3600.0, 60.0


@contextmanager
def watched() -> Iterator[Watch]:
    """Show how a run goes on, on stderr."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines().show
        return
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bars(*columns, console=console, transient=True) as bars:
        bar = bars.add_task("loading the model", total=1.0)
        yield lambda account: bars.update(bar, completed=account.share, description=_describe(account))


class _Lines:
    """One line of JSON in LINE_EVERY_S, at the most."""

    def __init__(self) -> None:
        self._next_s: float | None = None

    def show(self, account: Account) -> None:
        now_s = time.monotonic()
        if self._next_s is not None and now_s < self._next_s:
            return
        self._next_s = now_s + LINE_EVERY_S
        pass_on(json.dumps({**counts(account), "left_s": left_s(account)}) + "\n")


def counts(account: Account) -> dict[str, Any]:
    """What is done so far, for JSON; rates are of this run alone. Tokens are None where a server counts them."""
    seconds = account.seconds or 1e-9
    is_counted = account.tokens or not account.rows
    return {
        "rows": account.rows,
        "total_rows": account.total_rows,
        "share": round(account.share, 4),
        "parts": account.parts,
        "tokens": account.tokens if is_counted else None,
        "errors": dict(sorted(account.errors.items())),
        "truncated": account.cut,
        "kept_rows": account.kept_rows,
        "seconds": round(account.seconds, 1),
        "rows_per_s": round((account.rows - account.kept_rows) / seconds, 1),
        "tokens_per_s": round((account.tokens - account.kept_tokens) / seconds, 1) if is_counted else None,
    }


def left_s(account: Account) -> float | None:
    """Seconds that the rest takes at the rate of this run; None where it has not done anything yet."""
    fresh = account.rows - account.kept_rows
    if not fresh or not account.share:
        return None
    total = account.total_rows or account.rows / account.share
    return round((total - account.rows) * account.seconds / fresh, 1)


def _describe(account: Account) -> str:
    said = counts(account)
    rest = left_s(account)
    left = f", {_duration(rest)} left" if rest is not None else ""
    errors = sum(account.errors.values())
    return f"{account.rows:,} rows, {_rate(said)}{left}, {errors:,} errors, {account.cut:,} cut"


def _rate(said: Mapping[str, Any]) -> str:
    """Tokens a second, or rows where nobody says how many tokens they have."""
    of_tokens = said["tokens_per_s"]
    return f"{said['rows_per_s']:,.0f} rows/s" if of_tokens is None else f"{of_tokens:,.0f} tokens/s"


def render_account(account: Account, output: Place, price_per_hour: float | None, *, as_json: bool) -> str:
    """The summary of a run: one JSON object, or lines for people."""
    cost = _cost(account, price_per_hour)
    if as_json:
        return json.dumps({**counts(account), **cost, "output": str(output)})
    errors = ", ".join(f"{count:,} {kind}" for kind, count in sorted(account.errors.items())) or "none"
    said = counts(account)
    tokens = "" if said["tokens"] is None else f", {account.tokens:,} tokens"
    lines = [
        f"{account.rows:,} rows in {account.parts:,} parts in {output}{tokens}",
        f"errors: {errors}; cut: {account.cut:,}",
        f"{account.rows - account.kept_rows:,} rows in {_duration(account.seconds)}: {said['rows_per_s']:,.0f} rows/s"
        + (f", {_rate(said)}" if tokens else ""),
    ]
    if account.kept_rows:
        lines.append(f"{account.kept_rows:,} rows were there already")
    if cost:
        lines.append(f"cost: {cost['cost']:.4f}, {cost['cost_per_million_rows']:.4f} a million rows")
    return "\n".join(lines)


def _cost(account: Account, price_per_hour: float | None) -> dict[str, float]:
    """What this run's own rows cost; nothing without a price."""
    fresh = account.rows - account.kept_rows
    if price_per_hour is None or not fresh:
        return {}
    cost = price_per_hour * account.seconds / HOUR_S
    return {"cost": round(cost, 6), "cost_per_million_rows": round(cost / fresh * 1e6, 6)}


def render_plan(plan: "Plan", price_per_hour: float | None, *, as_json: bool) -> str:
    """What a run would take: one JSON object, or lines for people."""
    cost = {} if price_per_hour is None else {"cost": round(price_per_hour * plan.seconds / HOUR_S, 4)}
    if as_json:
        return json.dumps({**plan.to_json(), **cost})
    about = "" if plan.is_counted else "about "
    lines = [
        f"{about}{plan.rows:,} rows in {plan.files:,} files, about {plan.tokens:,} tokens, {about}{plan.parts:,} parts",
        f"about {_duration(plan.seconds)} on this machine with {plan.workers} workers: {plan.rows_per_s:,.0f} rows/s",
        f"at the most {format_bytes(plan.memory_bytes)} of memory, of {format_bytes(plan.granted_bytes)} that "
        f"{plan.memory_source} grants; about {format_bytes(plan.output_bytes)} of output",
        f"of {plan.sample_rows:,} rows tried {plan.sample_errors:,} have an error, {plan.sample_cut:,} are cut",
    ]
    return "\n".join([*lines, *(f"cost: about {value}" for value in cost.values())])


def _duration(seconds: float) -> str:
    if seconds >= 2 * HOUR_S:
        return f"{seconds / HOUR_S:.1f} h"
    return f"{seconds / MINUTE_S:.1f} min" if seconds >= 2 * MINUTE_S else f"{seconds:.1f} s"
