"""90 requests that run or wait when SIGTERM comes: through berth, and to java itself, as without a launcher."""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.faults import num_queued
from tests.support.servers import Server, running_server

from .clients import LOST, RIGHT, Asker, Tally, ask_at_once
from .served.models import pack_sample
from .table import table, verdict

NUM_REQUESTS = 90
QUEUED = 20  # by then the first batch runs


def run(folder: Path) -> Iterator[str]:
    archive = pack_sample(folder)
    through_berth = drain(archive, lambda server: server.process.send_signal(signal.SIGTERM))
    alone = drain(archive, lambda server: server.java.terminate())
    rows = [
        (way, NUM_REQUESTS, tally.ends[RIGHT], tally.num_retryable, tally.ends[LOST])
        for way, tally in (("berth", through_berth), ("TorchServe alone", alone))
    ]
    yield from table(("SIGTERM to", "sent", "right", "error", "lost"), rows)
    yield verdict(through_berth.ends[RIGHT] == NUM_REQUESTS, "berth answers all that it had accepted")


def drain(archive: Path, stop: Callable[[Server], None]) -> Tally:
    """What became of the requests."""
    tally = Tally()
    with running_server([archive]) as server, ThreadPoolExecutor(NUM_REQUESTS) as pool:
        sent = ask_at_once(Asker(server), NUM_REQUESTS, pool, tally)
        server.require(lambda: num_queued(server) >= QUEUED, 60.0, "requests are queued")
        stop(server)
        for each in sent:
            each.result()
        server.wait_for_end(90.0)
    return tally
