"""`python -m bench.front.parts`: where does a lone request's time go?

One client asks for a text of ten words, at TorchServe's own address and at the front's in turn. The worker's own
histograms say what its steps took, and what is left is named by where it lies: in the worker beside those steps, in
TorchServe with its sockets and the client, in the front. Means in ms, so that parts add up; p50 beside them. With
OpenVINO installed once more with BERTH_LONE_TEXTS=openvino.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean
from typing import Annotated

import requests
import typer

from berth.gateway.page.prometheus import read_total
from berth.settings import Settings, find_config

from ..machine import describe_run
from ..server import served
from ..stats import percentile
from .measure import SLICES, Address, Figures, ask, find_addresses, to_table

COMMAND = "python -m bench.front.parts"
SCHEMA_VERSION = 1
STEPS = ("request", "tokenize", "forward")
SCRAPE_LAG_S = 0.5  # TorchServe reads the worker's numbers behind the answer


def main(
    archive: Annotated[Path, typer.Argument(help="An archive of the sample model.")] = Path("model_store/bert.mar"),
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; each asks both addresses.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.5, help="How long each is asked.")] = 4.0,
) -> None:
    """Measure: two minutes. Progress goes to stderr."""
    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    engines = ("torch", "openvino") if find_spec("openvino") else ("torch",)
    with tempfile.TemporaryDirectory(prefix="bf-") as folder:
        figures: Mapping[str, Figures] = {
            engine: measure(archive, Path(folder), engine, rounds, seconds) for engine in engines
        }
    print(to_table(figures))
    print(json.dumps({"schema_version": SCHEMA_VERSION, "benchmark": "parts", **facts, "figures": figures}))


def measure(archive: Path, folder: Path, engine: str, rounds: int, seconds: float) -> Figures:
    """Serve the archive with lone texts by `engine`, and measure it: a value for each round."""
    figures: Figures = {}
    os.environ["BERTH_LONE_TEXTS"] = engine
    with served(archive, folder / "cache") as url:
        behind, front = find_addresses(url)
        for number in range(rounds):
            print(f"{engine}: round {number + 1} of {rounds}", file=sys.stderr)
            for name, value in find_parts(behind, front, seconds).items():
                figures.setdefault(f"{name}, ms", []).append(value)
    return figures


def find_parts(behind: Address, front: Address, seconds: float) -> dict[str, float]:
    """Milliseconds of each part of a request, and of the whole."""
    taken: dict[str, list[float]] = {behind.name: [], front.name: []}
    before = read_steps()
    for _ in range(SLICES):
        for address in (behind, front):
            exchanges = ask(address.url, 1, seconds / SLICES).exchanges
            taken[address.name] += [1e3 * (each.answered_s - each.sent_s) for each in exchanges]
    worker, tokenize, forward = steps_since(before)
    direct, whole = fmean(taken[behind.name]), fmean(taken[front.name])
    return {
        "forward pass": forward,
        "tokenising": tokenize,
        "rest of the worker": worker - tokenize - forward,
        "TorchServe, sockets, client": direct - worker,
        "the front": whole - direct,
        "the whole": whole,
        "the whole, p50": percentile(taken[front.name], 50),
    }


def steps_since(before: Mapping[str, float]) -> tuple[float, ...]:
    """The mean milliseconds of each of STEPS since then."""
    time.sleep(SCRAPE_LAG_S)
    now = read_steps()
    return tuple(
        1e3 * (now[f"{each}_sum"] - before[f"{each}_sum"]) / (now[f"{each}_count"] - before[f"{each}_count"])
        for each in (f"{step}_seconds" for step in STEPS)
    )


def read_steps() -> dict[str, float]:
    """Sums in seconds and counts of the worker's histograms so far."""
    address = Settings.load(find_config(None), os.environ).metrics
    text = requests.get(f"{address.url}/metrics", timeout=10).text
    names = [f"{step}_seconds_{kind}" for step in STEPS for kind in ("sum", "count")]
    return {name: read_total(text, f"berth_{name}") or 0.0 for name in names}


if __name__ == "__main__":
    typer.run(main)
