"""`python -m bench.front.access_log`: what does a line for each request cost?

Each archive is served anew in every round, with `--log-format text` (no access log) and `json`, and asked by 32
clients. Core seconds are those of HAProxy, which writes the lines, and of the launcher, which passes them on.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import psutil
import typer

from berth.process.log_style import FORMAT_VARIABLE, LogFormat

from ..machine import describe_run
from ..server import served
from .measure import WARM_UP_S, Figures, ask, core_seconds, find_haproxy, to_table
from .models import write_nothing

COMMAND = "python -m bench.front.access_log"
SCHEMA_VERSION = 1
CLIENTS = 32


def main(
    archive: Annotated[Path, typer.Argument(help="An archive of the sample model.")] = Path("model_store/bert.mar"),
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; each serves twice.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.5, help="How long each server is asked.")] = 4.0,
) -> None:
    """Measure both formats with the sample model and a handler that does nothing: about four minutes."""
    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    figures: dict[str, Figures] = {"nothing": {}, "sample": {}}
    with tempfile.TemporaryDirectory(prefix="ba-") as folder:
        archives = {"nothing": write_nothing(Path(folder, "nothing.mar")), "sample": archive}
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
            for name, path in archives.items():
                for form in LogFormat:
                    for figure, value in _measure(path, form, Path(folder), seconds).items():
                        figures[name].setdefault(f"{form}: {figure}", []).append(value)
    print(to_table(figures))
    print(json.dumps({"schema_version": SCHEMA_VERSION, "benchmark": "access log", **facts, "figures": figures}))


def _measure(archive: Path, form: LogFormat, folder: Path, seconds: float) -> dict[str, float]:
    os.environ[FORMAT_VARIABLE] = form
    with served(archive, folder / "cache") as url:
        haproxy = find_haproxy()
        launcher = psutil.Process(haproxy.ppid())
        ask(url, CLIENTS, seconds)
        before_s = core_seconds(haproxy) + own_seconds(launcher)
        rate = len(ask(url, CLIENTS, seconds).exchanges) / seconds
        used_s = core_seconds(haproxy) + own_seconds(launcher) - before_s
    return {"requests/s": rate, "us a request": 1e6 * used_s / (rate * (seconds + WARM_UP_S))}


def own_seconds(process: psutil.Process) -> float:
    """Seconds of a core that a process has used, without those below it."""
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    typer.run(main)
