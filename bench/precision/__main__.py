"""`python -m bench.precision`: what do int8 and single threads bring, in the engine and through HTTP?

The engine's part asks a pipeline, tokenising included, as a worker runs it and with all threads for every pass; models
are the sample and a BERT-base of random weights. The server's part asks `berth serve` with the archives that pack makes
with and without `--precision fastest`, with one worker and with one for each core, by 32 clients and by a lone one.
All are asked in turn, in every round.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from berth.workers.environment import OPENMP_ENVIRONMENT

os.environ |= OPENMP_ENVIRONMENT  # before torch reads it: a worker's threads wait as these do

from ..machine import describe_run
from ..packing import make_bert_base
from ..stats import Spread

COMMAND = "python -m bench.precision"
SCHEMA_VERSION = 1
Figures = dict[str, list[float]]


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; each measures every way once.")] = 5,
    seconds: Annotated[float, typer.Option(min=1, help="How long a server is asked, once by each.")] = 6.0,
) -> None:
    """Measure: about six minutes on 2 cores. Progress goes to stderr."""
    from berth.sources.sample import sample_folder  # noqa: PLC0415 - `--help` answers at once

    from .engine import measure_engine  # noqa: PLC0415
    from .served import measure_servers  # noqa: PLC0415

    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    with tempfile.TemporaryDirectory(prefix="bp-") as work:
        base = make_bert_base(Path(work) / "bert-base")
        figures = {
            "sample, ms": measure_engine(sample_folder(), rounds),
            "bert-base, ms": measure_engine(base, rounds),
            "requests/s, or ms of a lone one": measure_servers(Path(work), rounds, seconds),
        }
    for heading, found in figures.items():
        print(to_table(heading, found))
    print(json.dumps({"schema_version": SCHEMA_VERSION, "benchmark": "precision", **facts, "figures": figures}))


def to_table(heading: str, figures: Figures) -> str:
    """The figures for people: median (lowest..highest) of the rounds."""
    width = max(map(len, figures))
    rows = [f"{name:{width}}  {Spread.of(values).to_text()}" for name, values in figures.items()]
    return "\n".join((f"== {heading}: median (lowest..highest)", *rows, ""))


if __name__ == "__main__":
    typer.run(main)
