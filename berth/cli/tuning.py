"""`berth tune`."""

import json
import math
import os
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..console import say
from ..errors import INTERRUPTED, UsageError
from .options import AsJson, Commands, RequireSignature, wants_json

if TYPE_CHECKING:
    from ..tune.outcome import Outcome, Result
    from ..tune.search import Step

DURATION = re.compile(r"(?P<number>\d{1,6}(\.\d{1,3})?)(?P<unit>ms|s)")
MS = {"ms": 1.0, "s": 1000.0}
SPREAD = 1.3  # of trials of one split; above it something else took the machine's time


def tune(
    archive: Annotated[Path, typer.Argument(help="A .mar, or the folder it was unpacked to.")],
    p99: Annotated[str, typer.Option(metavar="50ms", help="The time in which 99 of 100 requests are to be answered.")],
    texts: Annotated[
        Path | None, typer.Option(help="What to ask, one text a line. Default: texts of 24 tokens on average.")
    ] = None,
    require_signature: RequireSignature = None,
    as_json: AsJson = False,
) -> None:
    """Find how many workers, threads and tokens a pass answer most requests in time on this machine, under load.

    Each split is served and asked at rates that come nearer and nearer to what it answers within the target, some
    minutes in all. The best is written beside the archive, where `berth serve` and `berth budget` read it; the archive
    stays as it is. Exit code 1 where none meets the target.

    \b
    berth tune model_store/bert.mar --p99 50ms
    """
    from ..serve.platforms import require_served  # noqa: PLC0415
    from ..tune.course import Course  # noqa: PLC0415

    require_served(sys.platform)
    try:
        course = Course(archive, parse_ms(p99), texts, os.environ, require_signature)
        say(
            f"{len(course.planned)} splits, {course.num_trials} trials, about {course.about_s / 60:.0f} minutes; let "
            "nothing else run meanwhile. Ctrl-C ends it, and nothing is written"
        )
        outcome = course.run(say)
    except KeyboardInterrupt:
        say("stopped: nothing is written")
        raise typer.Exit(INTERRUPTED) from None
    print(render_outcome(outcome, as_json=wants_json(as_json)))
    say(f"written to {course.keep(outcome)}: `berth serve {archive}` uses it on this machine")


def parse_ms(text: str) -> float:
    """Read a duration such as 50ms or 0.2s, in ms; UsageError for anything else."""
    match = DURATION.fullmatch(text)
    milliseconds = float(match["number"]) * MS[match["unit"]] if match else 0.0
    if not milliseconds:
        raise UsageError(f"--p99 is {text!r}; it is a time above 0 such as 50ms or 0.2s")
    return milliseconds


def render_outcome(outcome: "Outcome", *, as_json: bool) -> str:
    """Every split and what it reached, as a table with the winner marked, or as one JSON object."""
    if as_json:
        return json.dumps(_outcome_json(outcome))
    from rich.table import Table  # noqa: PLC0415 - `--help` answers at once
    from rich.text import Text  # noqa: PLC0415

    from .tables import draw  # noqa: PLC0415

    columns = ("workers", "threads", "tokens a pass", f"requests/s in {outcome.p99_ms:g} ms", "p50 ms", "p99 ms")
    table = Table("", *columns, "memory at most")
    for result in outcome.results:
        table.add_row(*_cells(outcome, result))
    notes = [f"{result.split}: {result.why_not}\n" for result in outcome.results if result.why_not]
    if outcome.spread > SPREAD:
        notes.append(
            f"one split reached {outcome.spread:.1f} times as much in one trial as in another: tune it again\n"
        )
    return draw(table, Text("".join(notes) + _gain(outcome)))


def _cells(outcome: "Outcome", result: "Result") -> list[str]:
    from ..machine.quantities import format_bytes  # noqa: PLC0415

    peak, split = result.peak(outcome.p99_ms), result.split
    mark = "best" if result is outcome.winner else "default" if result is outcome.results[0] else ""
    missing = "not tried" if result.why_not else "none"
    reached = (f"{peak.rate:.0f}", f"{peak.p50_ms:.1f}", f"{peak.p99_ms:.1f}") if peak else (missing, "", "")
    numbers = (str(split.workers), str(split.threads), str(split.token_budget))
    return [mark, *numbers, *reached, format_bytes(result.memory_bytes)]


def _gain(outcome: "Outcome") -> str:
    """What the winner is worth, for a sentence."""
    own = outcome.results[0].split
    if outcome.winner is None:
        return "no split met the target"
    if outcome.winner is outcome.results[0]:
        return f"the default is best: {own}"
    if outcome.gain is None:
        return f"best: {outcome.winner.split}; the default ({own}) did not meet the target"
    return f"best: {outcome.winner.split}, {outcome.gain:.2f} times the requests/s of the default ({own})"


def _outcome_json(outcome: "Outcome") -> dict[str, object]:
    results = [
        {
            **asdict(result),
            "trials": [[_step_json(step) for step in trial] for trial in result.trials],
            "peak": (peak := result.peak(outcome.p99_ms)) and asdict(peak),
            "is_default": result is outcome.results[0],
            "is_best": result is outcome.winner,
        }
        for result in outcome.results
    ]
    return {
        "schema_version": 1,
        "p99_ms": outcome.p99_ms,
        "gain": outcome.gain,
        "spread": outcome.spread,
        "results": results,
    }


def _step_json(step: "Step") -> dict[str, object]:
    """One rate; null for the time of what was never answered, for JSON has no infinity."""
    return {name: value if math.isfinite(value) else None for name, value in asdict(step).items()}


COMMANDS: Commands = ((tune, "Find the split of this machine that answers most in time."),)
