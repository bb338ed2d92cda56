"""`python -m bench.bulk ARCHIVE`: `berth bulk` beside its engine alone with tokenised texts in memory, in turns.

As many processes of the engine as the command has workers, each with the same number of texts, all different. The CPU's
seconds are those of all processes, the command's own too, from the moment when the models are loaded: neighbours on the
machine change them less than the clock's. Goal: 0.95 of the engine's rate. With `--beside`, sentence-transformers'
multi-process encode and Ray Data with a plain stage of transformers take their turns with the same files and cores.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import psutil
import typer

from berth.archive.unpack import cache_folder, unpack_once
from berth.bulk.job import Job
from berth.bulk.manifest import Head, Manifest
from berth.bulk.prepare import prepare, started
from berth.bulk.run import carry_out
from berth.bulk.workers import environment_of
from berth.machine.limits import granted_cores
from berth.progress import ignore

from ..machine import describe_run
from ..texts import mixed_texts

COMMAND = "python -m bench.bulk"
WORDS = ("harbour", "river", "boat", "morning", "cold", "ship", "light", "water", "stone", "wind", "master", "pilot")
OTHERS = {"sentence-transformers, a process per core": "pool", "Ray Data, transformers": "ray_data"}
"""Modules beside this one."""
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
Seconds = dict[str, float]


def main(
    archive: Annotated[Path, typer.Argument(help="A .mar of an embedding model.")],
    rows: Annotated[int, typer.Option(min=64, help="Texts of each process.")] = 2048,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; each measures all.")] = 3,
    beside: Annotated[Path | None, typer.Option(help="The archive's checkpoint, for others to read.")] = None,
) -> None:
    """Print the rates, and the share. Progress goes to stderr."""
    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    folder = unpack_once(archive, cache_folder()).absolute()
    cores = granted_cores()
    found: dict[str, list[Seconds]] = {name: [] for name in ("engine", "bulk", *(OTHERS if beside else ()))}
    with tempfile.TemporaryDirectory() as work:
        files = make_files(Path(work), cores, rows)
        for number in range(rounds):
            found["engine"].append(run_engines(folder, files))
            found["bulk"].append(run_bulk(archive, files, Path(work) / f"output-{number}"))
            for name, module in OTHERS.items() if beside else ():
                found[name].append(run_other(module, beside, Path(work) / f"{module}-{number}", files))
            last = {name: each[-1] for name, each in found.items()}
            sys.stderr.write(f"bench: round {number + 1} of {rounds}: {last}\n")
    print(to_table(found, cores * rows))
    print(json.dumps({"schema_version": 1, "benchmark": "bulk", **facts, "rows": cores * rows, "seconds": found}))


def make_files(work: Path, count: int, rows: int) -> list[Path]:
    """So many files of different texts, each with its number before it."""
    texts = mixed_texts(WORDS, count * rows)
    files = [work / f"texts-{number}.txt" for number in range(count)]
    for number, file in enumerate(files):
        own = range(number * rows, (number + 1) * rows)
        file.write_text("".join(f"{each} {texts[each]}\n" for each in own), encoding="utf-8")
    return files


def run_engines(folder: Path, files: Sequence[Path]) -> Seconds:
    """The engine alone on each file, all at once."""
    processes = [
        subprocess.Popen(
            [*python("engine"), str(folder), str(file)],
            env=environment_of(1),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for file in files
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    said = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        output, _ = process.communicate()
        said.append(json.loads(output))
    return {"seconds": max(each["seconds"] for each in said), "cpu_s": sum(each["cpu_s"] for each in said)}


def run_bulk(archive: Path, files: Sequence[Path], output: Path) -> Seconds:
    """The command's own way, from the moment when its workers are ready."""
    prepared = prepare(Job(archive=archive, inputs=tuple(map(str, files)), output=output, part_rows=1024))
    with Manifest(output) as manifest, started(prepared) as running:
        began_s = _cpu_s()
        head = Head(settings=prepared.settings, inputs=prepared.inputs, machine={})
        manifest.begin(head, allows_other_machine=False)
        account = carry_out(running, manifest, ignore)
        return {"seconds": account.seconds, "cpu_s": _cpu_s() - began_s}


def run_other(module: str, checkpoint: Path | None, output: Path, files: Sequence[Path]) -> Seconds:
    """Another way to the same vectors, in a process of its own; from the moment when its models are loaded."""
    command = [*python(module), checkpoint, output, len(files), *files]
    ran = subprocess.run(
        list(map(str, command)), env=environment_of(1) | ONE_THREAD, stdout=subprocess.PIPE, check=True
    )
    seconds: Seconds = json.loads(ran.stdout.splitlines()[-1])
    return seconds


def python(module: str) -> list[str]:
    """A module beside this one as a program, which sees the installed berth and not this folder's `handler`."""
    return [sys.executable, "-P", str(Path(__file__).with_name(f"{module}.py"))]


def _cpu_s() -> float:
    """CPU seconds of this process and its children."""
    family = [psutil.Process(), *psutil.Process().children()]
    return sum(sum(each.cpu_times()[:2]) for each in family)


def to_table(found: dict[str, list[Seconds]], rows: int) -> str:
    """The medians for people, in Markdown."""
    median = {
        way: {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
        for way, rounds in found.items()
    }
    lines = ["| | rows/s | rows a CPU second |", "|---|---|---|"]
    for way, each in median.items():
        by_cpu = f"{rows / each['cpu_s']:.0f}" if "cpu_s" in each else "-"
        lines.append(f"| {way} | {rows / each['seconds']:.0f} | {by_cpu} |")
    engine, bulk = median["engine"], median["bulk"]
    return "\n".join(
        [
            *lines,
            "",
            f"`berth bulk` keeps {engine['seconds'] / bulk['seconds']:.3f} of the engine's rate, and "
            f"{engine['cpu_s'] / bulk['cpu_s']:.3f} by CPU seconds (goal: 0.95).",
        ]
    )


if __name__ == "__main__":
    typer.run(main)
