"""20 starts of the sample: /ready is asked all the time, and what it says is tried at once."""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from tests.support.servers import Server, started_server

from .clients import RIGHT, Asker
from .served.models import pack_sample
from .table import verdict

NUM_STARTS = 20
TIMEOUT_S = 60.0


def run(folder: Path) -> Iterator[str]:
    archive = pack_sample(folder)
    ready_s, first = zip(*(start(archive) for _ in range(NUM_STARTS)), strict=True)
    yield f"ready after {statistics.median(ready_s):.1f} s (median; {min(ready_s):.1f} to {max(ready_s):.1f})"
    yield verdict(
        first == (RIGHT,) * NUM_STARTS,
        f"the first request after the first /ready is answered rightly: {first.count(RIGHT)} of {NUM_STARTS}",
    )


def start(archive: Path) -> tuple[float, str]:
    """After how long /ready said yes for the first time, and what became of a request sent at that moment."""
    started_s = time.monotonic()
    with started_server([archive]) as server:
        while not is_ready(server) and time.monotonic() - started_s < TIMEOUT_S:
            time.sleep(0.01)
        ready_s = time.monotonic() - started_s
        return ready_s, Asker(server).ask()


def is_ready(server: Server) -> bool:
    try:
        return requests.get(f"{server.health_url}/ready", timeout=5).ok
    except requests.ConnectionError:
        return False
