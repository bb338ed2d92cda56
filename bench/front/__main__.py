"""`python -m bench.front`: what does the front cost, beside TorchServe's own address behind it, and beside nginx?

All addresses of one `berth serve` are asked in turn, in every round: by a lone client (its p50), and by 32 clients at
once. The sample model shows what users feel; a handler that does nothing shows the front alone. HAProxy's core seconds
are its process's. Goals: at most 1.2 ms more at p50, 90 us of a core for a request, 5 % of the sample's requests/s.
"""

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from ..machine import describe_run
from .measure import Figures, Times, measure, to_table
from .models import write_nothing

COMMAND = "python -m bench.front"
SCHEMA_VERSION = 1


def main(
    archive: Annotated[Path, typer.Argument(help="An archive of the sample model.")] = Path("model_store/bert.mar"),
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; each asks both addresses once.")] = 7,
    seconds: Annotated[float, typer.Option(min=0.5, help="How long each is asked, lone and by 32 clients.")] = 4.0,
) -> None:
    """Measure the sample model and a handler that does nothing: about five minutes. Progress goes to stderr."""
    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    with tempfile.TemporaryDirectory(prefix="bf-") as folder:
        nothing = write_nothing(Path(folder, "nothing.mar"))
        times = Times(rounds=rounds, seconds=seconds)
        figures: Mapping[str, Figures] = {
            "nothing": measure(nothing, Path(folder), times),
            "sample": measure(archive, Path(folder), times),
        }
    print(to_table(figures))
    print(json.dumps({"schema_version": SCHEMA_VERSION, "benchmark": "front", **facts, "figures": figures}))


if __name__ == "__main__":
    typer.run(main)
