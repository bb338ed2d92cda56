"""Requests through `berth serve`, with the archive of each precision."""

import os
import sys
from pathlib import Path

from berth.clients.management import ManagementClient
from berth.errors import BerthError
from berth.pack.options import PackOptions, WorkerOptions
from berth.pack.pack import pack_checkpoint
from berth.settings import Settings, find_config
from berth.wait import wait_until
from handler.precision import Precision

from ..load import LoadPlan, LoadResult, apply_load
from ..machine import num_cores
from ..server import served
from ..stats import percentile
from ..texts import mixed_texts
from .engine import WORDS

CLIENTS = 32
SCALE_S = 120.0
TEXTS = mixed_texts(WORDS, 2000)


def measure_servers(work: Path, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Requests per second, and a lone one's p50 in milliseconds: one for each round."""
    archives = {each: _pack(work / each, each) for each in (Precision.FP32, Precision.FASTEST)}
    figures: dict[str, list[float]] = {}
    for number in range(rounds):
        for precision, archive in archives.items():
            with served(archive, work / "cache") as url:
                for workers in dict.fromkeys((1, num_cores())):
                    _scale(workers)
                    name = f"{precision}, {workers} workers"
                    many, lone = (_ask(url, clients, seconds) for clients in (CLIENTS, 1))
                    figures.setdefault(f"{name}: requests/s", []).append(round(len(many.exchanges) / seconds, 1))
                    figures.setdefault(f"{name}: a lone one, ms", []).append(round(_p50_ms(lone), 2))
        sys.stderr.write(f"bench: round {number + 1} of {rounds} of the servers\n")
    return figures


def _pack(folder: Path, precision: Precision) -> Path:
    options = PackOptions(name="bert", output=folder, worker=WorkerOptions(precision=precision))
    return pack_checkpoint(None, options).archive


def _scale(workers: int) -> None:
    """Have so many workers, all ready."""
    with ManagementClient(Settings.load(find_config(None), os.environ).management.url) as management:
        management.scale(workers=workers)
        if not wait_until(lambda: management.describe().num_ready == workers, SCALE_S):
            raise BerthError(f"{workers} workers were not ready within {SCALE_S:.0f} s")


def _ask(url: str, clients: int, seconds: float) -> LoadResult:
    return apply_load(LoadPlan(url=url, texts=TEXTS, clients=clients, warm_up_s=2.0, duration_s=seconds))


def _p50_ms(result: LoadResult) -> float:
    return 1000 * percentile([each.answered_s - each.sent_s for each in result.exchanges], 50)
