"""`make bench-formats`: what does a checkpoint of pickles cost beside the same of safetensors?

A BERT-base of seeded random weights, 438 MB, once as model.safetensors and once as pytorch_model.bin, packed in turn
by `berth pack`. Seconds, and the peak of the memory of the command and all its processes: RSS counts a page that two of
them share twice, PSS once.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import psutil
import typer

from .machine import describe_run
from .packing import BIN, make_bert_base
from .stats import Spread

COMMAND = "python -m bench.formats"
SCHEMA_VERSION = 1
SAFETENSORS, PICKLE = "model.safetensors", "pytorch_model.bin"
SAMPLE_S = 0.05
MIB = 1 << 20
Figures = Mapping[str, list[float]]
"""Seconds, MiB of RSS and MiB of PSS of each round, by those names."""


def main(rounds: Annotated[int, typer.Option(min=1, help="Rounds; each packs both once.")] = 3) -> None:
    """Measure seconds and memory: about 2 minutes and 3 GB in the working folder. Progress goes to stderr."""
    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-formats-") as work:
        folders = make_both(Path(work))
        figures = measure(folders, rounds, Path(work) / "out")
    print(to_table(figures))
    print(json.dumps({"schema_version": SCHEMA_VERSION, "benchmark": "formats", **facts, "figures": figures}))


def make_both(work: Path) -> dict[str, Path]:
    """The same checkpoint in both forms, by the name of its weights."""
    import torch  # noqa: PLC0415 - `--help` answers at once
    from safetensors.torch import load_file  # noqa: PLC0415

    today = make_bert_base(work / "safetensors")
    old = work / "pickle"
    shutil.copytree(today, old)
    torch.save(load_file(old / SAFETENSORS), old / PICKLE)
    (old / SAFETENSORS).unlink()
    return {SAFETENSORS: today, PICKLE: old}


def measure(folders: Mapping[str, Path], rounds: int, out: Path) -> dict[str, Figures]:
    """Pack every folder once a round, in turn, so that a noisy minute meets them all."""
    figures: dict[str, Figures] = {name: {"seconds": [], "rss_mib": [], "pss_mib": []} for name in folders}
    for number in range(rounds):
        for name, folder in folders.items():
            shutil.rmtree(out, ignore_errors=True)
            found = pack_and_watch(folder, out)
            for key, value in found.items():
                figures[name][key].append(round(value, 2))
            sys.stderr.write(f"bench: round {number + 1}: {name} {found}\n")
    return figures


def pack_and_watch(folder: Path, out: Path) -> dict[str, float]:
    """Pack one folder; its seconds and its peak memory in MiB."""
    peaks = {"rss_mib": 0.0, "pss_mib": 0.0}
    started = time.perf_counter()
    process = subprocess.Popen(
        [BIN / "berth", "pack", folder, "--output", out], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    ended = threading.Event()
    watch = threading.Thread(target=_watch, args=(psutil.Process(process.pid), peaks, ended))
    watch.start()
    try:
        code = process.wait()
        seconds = time.perf_counter() - started
    finally:
        ended.set()
        watch.join()
    if code:
        sys.exit(f"berth pack {folder} ended with {code}")
    return {"seconds": seconds, **peaks}


def _watch(process: psutil.Process, peaks: dict[str, float], ended: threading.Event) -> None:
    """Keep the highest sums over a process and all that it started."""
    while not ended.wait(SAMPLE_S):
        rss = pss = 0
        with suppress(psutil.Error):
            for each in (process, *process.children(recursive=True)):
                with suppress(psutil.Error):  # it has ended meanwhile
                    memory = each.memory_full_info()
                    rss, pss = rss + memory.rss, pss + memory.pss
        peaks["rss_mib"], peaks["pss_mib"] = max(peaks["rss_mib"], rss / MIB), max(peaks["pss_mib"], pss / MIB)


def to_table(figures: Mapping[str, Figures]) -> str:
    """The figures for people, in Markdown."""
    rows = [
        f"| {name} | {Spread.of(found['seconds']).to_text()} | {Spread.of(found['rss_mib']).to_text(0)} "
        f"| {Spread.of(found['pss_mib']).to_text(0)} |"
        for name, found in figures.items()
    ]
    head = "| `berth pack` of | seconds: median (lowest..highest) | peak RSS, MiB | peak PSS, MiB |\n|---|---|---|---|"
    return "\n".join((head, *rows))


if __name__ == "__main__":
    typer.run(main)
