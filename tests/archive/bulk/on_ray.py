"""`make bulk-ray`: texts through Ray clusters of one, two and three nodes, one of which is killed; by digest the same.

It prints a line of JSON: texts a second between the first part and the last, so that no start counts, by local
processes and by nodes with a core each.
"""

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bench.machine import describe_run
from berth.tune.texts import mixed_texts
from tests.support.bulk import Command, digests
from tests.support.bulk.ray_cluster import AUTHENTICATION, started_cluster

COMMAND = "python -m tests.archive.bulk.on_ray"
WORDS = ("harbour", "river", "boat", "morning", "cold", "ship", "light", "water", "stone", "wind", "master", "pilot")
PART_ROWS = 250


def main(
    archive: Annotated[Path, typer.Argument(help="A .mar of a task that takes one text.")],
    rows: Annotated[int, typer.Option(min=4 * PART_ROWS, help="Texts.")] = 50_000,
) -> None:
    """Exit with 1 unless all outputs are the same; the node is killed when half of the parts are there."""
    os.environ.update(AUTHENTICATION)
    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bulk-ray-") as folder:
        work = Path(folder)
        texts = work / "texts.txt"
        texts.write_text("".join(f"{number} {text}\n" for number, text in enumerate(mixed_texts(WORDS, rows))))
        rates = {}
        for name, command, num_nodes in _courses(archive, texts, work):
            half = rows // PART_ROWS // 2 if name == "ray 3, one killed" else None
            rates[name] = round(_run(command, num_nodes, killed_at=half), 1)
            typer.echo(f"{name}: {rates[name]} texts/s", err=True)
        outputs = [_parts(each) for each in work.glob("output-*")]
    is_same = all(each == outputs[0] for each in outputs)
    found = {"rows": rows, "texts_per_s": rates, "is_same": is_same}
    typer.echo(json.dumps({"schema_version": 1, "benchmark": "bulk-ray", **facts, **found}))
    raise typer.Exit(not is_same)


def _courses(archive: Path, texts: Path, work: Path) -> Iterator[tuple[str, Command, int]]:
    """Name, command without an address, nodes; 0: this command's own processes."""
    names = ("local 1", "local all", "ray 1", "ray 2", "ray 3, one killed")
    for number, (name, num_nodes) in enumerate(zip(names, (0, 0, 1, 2, 3), strict=True)):
        options = ("--json", "--part-rows", str(PART_ROWS))
        prefix = ("taskset", "-c", str(min(os.sched_getaffinity(0)))) if name == "local 1" else ()
        output = work / f"output-{number}"
        yield name, Command(archive=archive, inputs=texts, output=output, options=options, prefix=prefix), num_nodes


def _run(command: Command, num_nodes: int, *, killed_at: int | None) -> float:
    """Run it, on a cluster of so many nodes, of which one is killed at so many parts, and return texts a second."""
    with contextlib.ExitStack() as stack:
        if num_nodes:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True))
            cluster = stack.enter_context(started_cluster(Path(folder), num_nodes))
            command = command.with_options("--ray", cluster.address)
        done = command.run(None) if killed_at is None else command.run_until(killed_at, cluster.nodes[-1].kill, None)
    if done.returncode:
        raise SystemExit(done.stderr)
    typer.echo(done.stdout.strip(), err=True)
    return _rate(sorted(command.output.glob("part-*")))


def _rate(parts: Sequence[Path]) -> float:
    times_s = sorted(part.stat().st_mtime for part in parts)
    return PART_ROWS * (len(times_s) - 1) / (times_s[-1] - times_s[0])


def _parts(output: Path) -> dict[str, bytes]:
    return {name: content for name, content in digests(output).items() if name.startswith("part-")}


if __name__ == "__main__":
    typer.run(main)
