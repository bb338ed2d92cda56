"""`python -m bench.front.parts`: where does a lone request's time go?

One client asks for a text of ten words, at TorchServe's own address and at the front's in turn. The worker's own
histograms say what its steps took, and what is left is named by where it lies: in the worker beside those steps, in
TorchServe, which waits `maxBatchDelay` for further requests, with its sockets and the client, in the front. Means in
ms, so that parts add up. Behind them p50 of the whole, of the worker by its own time in each answer's header, and of
the forward pass: the worker's less the means of its other steps, which hardly differ from request to request. With
OpenVINO installed once more with BERTH_LONE_TEXTS=openvino.
"""

import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean
from typing import Annotated

import requests
import typer

from berth.archive.content import SERVER_SETTINGS
from berth.gateway.page.prometheus import read_total
from berth.settings import Settings, find_config

from ..load import Exchange
from ..machine import describe_run
from ..server import served
from ..stats import percentile
from .measure import SLICES, Address, Figures, ask, find_addresses, to_table

COMMAND = "python -m bench.front.parts"
SCHEMA_VERSION = 1
STEPS = ("request", "tokenize", "forward")
WORKER_TIME = re.compile(rb"x-inference-time-ms: ([\d.]+)", re.IGNORECASE)
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
    asked: dict[str, list[Exchange]] = {behind.name: [], front.name: []}
    before = read_steps()
    for _ in range(SLICES):
        for address in (behind, front):
            asked[address.name] += ask(address.url, 1, seconds / SLICES, keeps_bodies=True).exchanges
    return parts_of(asked[behind.name], asked[front.name], steps_since(before), SERVER_SETTINGS["maxBatchDelay"])


def parts_of(
    behind: Sequence[Exchange], front: Sequence[Exchange], steps: Sequence[float], delay_ms: float
) -> dict[str, float]:
    """What two addresses' answers and the mean milliseconds of STEPS say of each part. Pure."""
    worker, tokenize, forward = steps
    direct, whole = (latencies_of(exchanges) for exchanges in (behind, front))
    in_worker_p50 = percentile([worker_ms(each) for each in (*behind, *front)], 50)
    return {
        "forward pass": forward,
        "tokenising": tokenize,
        "rest of the worker": worker - tokenize - forward,
        "maxBatchDelay": delay_ms,
        "TorchServe, sockets, client": fmean(direct) - worker - delay_ms,
        "the front": fmean(whole) - fmean(direct),
        "the whole": fmean(whole),
        "forward pass, p50": in_worker_p50 - (worker - forward),
        "the worker, p50": in_worker_p50,
        "the whole, p50": percentile(whole, 50),
    }


def latencies_of(exchanges: Sequence[Exchange]) -> list[float]:
    """Milliseconds of each answer."""
    return [1e3 * (each.answered_s - each.sent_s) for each in exchanges]


def worker_ms(exchange: Exchange) -> float:
    """Milliseconds that the worker took for it, as it says itself."""
    found = WORKER_TIME.search(exchange.head)
    assert found is not None, f"no {WORKER_TIME.pattern!r} in {exchange.head!r}"
    return float(found[1])


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
