"""`make bulk-kills`: rows through `berth bulk`, and again with kills at random moments; by digest the same.

It prints a line of JSON.
"""

import hashlib
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from bench.machine import describe_run
from berth.tune.texts import mixed_texts
from tests.support.bulk import Command

COMMAND = "python -m tests.archive.bulk"
WORDS = ("harbour", "river", "boat", "morning", "cold", "ship", "light", "water", "stone", "wind", "master", "pilot")
OPTIONS = ("--json",)


def main(
    archive: Annotated[Path, typer.Argument(help="A .mar of a task that takes one text.")],
    rows: Annotated[int, typer.Option(min=1, help="Texts.")] = 200_000,
    kills: Annotated[int, typer.Option(min=1, help="How often it is killed.")] = 20,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 7,
) -> None:
    """Exit with 1 unless it was killed so often and both outputs are the same."""
    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bulk-kills-") as work:
        texts = Path(work) / "texts.txt"
        lines = (f"{number} {text}\n" for number, text in enumerate(mixed_texts(WORDS, rows)))
        texts.write_text("".join(lines), encoding="utf-8")
        whole, killed = (
            Command(archive=archive, inputs=texts, output=Path(work) / name, options=OPTIONS)
            for name in ("whole", "killed")
        )
        began_s = time.monotonic()
        _finish(whole)
        taken_s = time.monotonic() - began_s
        num_kills = _kill(killed, kills, whole.num_parts(), random.Random(seed))
        _finish(killed)
        is_same = _digest(whole.output) == _digest(killed.output)
    found = {"rows": rows, "undisturbed_s": round(taken_s, 1), "kills": num_kills, "is_same": is_same}
    typer.echo(json.dumps({"schema_version": 1, "benchmark": "bulk-kills", **facts, **found}))
    raise typer.Exit(not is_same or num_kills < kills)


def _kill(command: Command, kills: int, parts: int, chooser: random.Random) -> int:
    """Kill it so often: when some parts more are there, or none, and a moment later; return how often it was."""
    for number in range(1, kills + 1):
        more, after_s = chooser.randint(0, max(1, parts // kills)), chooser.uniform(0, 2)
        if not command.kill_at(command.num_parts() + more, after_s):
            typer.echo(f"it ended before kill {number}: give it more rows", err=True)
            return number - 1
        typer.echo(f"kill {number} at {command.num_parts()} of {parts} parts", err=True)
    return kills


def _finish(command: Command) -> None:
    done = command.run(None)
    typer.echo(done.stdout.strip(), err=True)
    if done.returncode:
        raise SystemExit(done.stderr)


def _digest(output: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in output.iterdir()}


if __name__ == "__main__":
    typer.run(main)
