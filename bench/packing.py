"""`make bench-packing`: what does packing cost beside copying the files, and beside torch-model-archiver?

A BERT-base of seeded random weights, 438 MB. Each round copies its files with `cp`, writes the archive, runs all of
`berth pack` (answers, archive, unpacking, proof) and torch-model-archiver with its default format. Each ends with a
sync: a copy that is still in memory is not finished. Goals: writing at most 3 x cp; packing faster than the archiver.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from berth.archive.write import write_archive
from berth.pack.contents import plan_archive
from berth.pack.load_checkpoint import load_checkpoint
from berth.pack.pack import installed_handler
from berth.sources.sample import sample_folder

from .machine import describe_run
from .stats import Spread

COMMAND = "python -m bench.packing"
SCHEMA_VERSION = 1
SEED = 1
BIN = Path(sys.executable).parent
COPY, WRITE, PACK, ARCHIVER = "cp", "writing the archive", "berth pack", "torch-model-archiver"
Way = Callable[[Path], object]
"""Takes a new folder and leaves its result there."""
Seconds = Mapping[str, list[float]]
"""The seconds of each round, by way."""


def main(rounds: Annotated[int, typer.Option(min=1, help="Rounds; each measures every way once.")] = 5) -> None:
    """Measure seconds, sync included: about 4 minutes and 2 GB in the working folder. Progress goes to stderr."""
    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-packing-") as work:
        checkpoint = make_bert_base(Path(work) / "bert-base")
        size_bytes = sum(file.stat().st_size for file in checkpoint.iterdir())
        seconds = measure(ways(checkpoint), rounds, Path(work) / "round")
    print(to_table(seconds))
    document = {"schema_version": SCHEMA_VERSION, "benchmark": "packing", **facts, "bytes": size_bytes}
    print(json.dumps({**document, "seconds": seconds, "ratios": ratios(seconds)}))


def make_bert_base(folder: Path) -> Path:
    """A checkpoint of transformers' default BERT, which has bert-base-uncased's sizes, with the sample's tokenizer."""
    import torch  # noqa: PLC0415 - `--help` answers at once
    from transformers import AutoTokenizer, BertConfig, BertModel  # noqa: PLC0415

    torch.manual_seed(SEED)
    BertModel(BertConfig()).save_pretrained(folder)
    AutoTokenizer.from_pretrained(sample_folder()).save_pretrained(folder)
    return folder


def ways(folder: Path) -> dict[str, Way]:
    """The ways that are measured, by name."""
    checkpoint = load_checkpoint(folder, None)
    from berth.pack.reference_answers import reference_answers  # noqa: PLC0415 - `--help` answers at once

    plan = plan_archive(checkpoint, reference_answers(checkpoint), installed_handler(), name="base", version="1.0")
    return {
        COPY: lambda out: _run("cp", "-r", folder, out / "copy"),
        WRITE: lambda out: write_archive(plan, out / "base.mar"),
        PACK: lambda out: _run(BIN / "berth", "pack", folder, "--output", out),
        ARCHIVER: lambda out: _archive_with_upstream(folder, out),
    }


def measure(ways: Mapping[str, Way], rounds: int, out: Path) -> dict[str, list[float]]:
    """Time every way once a round, in turn, so that a noisy minute meets them all."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, way in ways.items():
            seconds[name].append(round(_timed(way, out), 3))
            sys.stderr.write(f"bench: round {number + 1}: {name} {seconds[name][-1]} s\n")
    return seconds


def ratios(seconds: Seconds) -> dict[str, float]:
    """The ratios of medians that the two goals are about."""
    median = {name: Spread.of(values).median for name, values in seconds.items()}
    return {
        "write_over_cp": round(median[WRITE] / median[COPY], 2),
        "pack_over_archiver": round(median[PACK] / median[ARCHIVER], 2),
    }


def to_table(seconds: Seconds) -> str:
    """The figures for people, in Markdown."""
    rows = [f"| {name} | {Spread.of(values).to_text(2)} |" for name, values in seconds.items()]
    verdict = ratios(seconds)
    return "\n".join(
        (
            "| | seconds, sync included: median (lowest..highest) |",
            "|---|---|",
            *rows,
            "",
            f"Writing takes {verdict['write_over_cp']} x cp (goal: at most 3); berth pack takes "
            f"{verdict['pack_over_archiver']} x torch-model-archiver (goal: under 1).",
        )
    )


def _timed(way: Way, out: Path) -> float:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    os.sync()
    started = time.perf_counter()
    way(out)
    os.sync()
    return time.perf_counter() - started


def _archive_with_upstream(folder: Path, out: Path) -> None:
    """Run it with default options; its temporary copy of everything, in $TMPDIR, is on the same disk."""
    (out / "handler.py").write_text("def handle(data, context):\n    return data\n", encoding="utf-8")
    extra_files = ",".join(str(file) for file in sorted(folder.iterdir()) if file.suffix != ".safetensors")
    (out / "tmp").mkdir()
    _run(
        *(BIN / "torch-model-archiver", "--model-name", "base", "--version", "1.0", "--export-path", out),
        *("--handler", out / "handler.py", "--serialized-file", folder / "model.safetensors"),
        *("--extra-files", extra_files),
        TMPDIR=str(out / "tmp"),
    )


def _run(*command: str | Path, **environment: str) -> None:
    subprocess.run(command, env=os.environ | environment, check=True, capture_output=True)


if __name__ == "__main__":
    typer.run(main)
