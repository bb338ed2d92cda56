"""What a server's processes take: the proportional set size, in which a page that n processes share counts 1/n each."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Event, Thread

import psutil

from berth.process.memory import pss_bytes
from tests.support.servers import Server

EVERY_S = 0.2


@dataclass(kw_only=True)
class Peak:
    """The largest sums that were seen; each of its own moment."""

    total_bytes: int = 0
    java_bytes: int = 0
    workers_bytes: int = 0
    """Of all of them, and of what forks them."""

    def look(self, server: Server) -> None:
        """One look."""
        java = pss_bytes(server.java.pid)
        below = psutil.Process(server.process.pid).children(recursive=True)
        workers = sum(pss_bytes(process.pid) for process in below) - java
        self.java_bytes = max(self.java_bytes, java)
        self.workers_bytes = max(self.workers_bytes, workers)
        self.total_bytes = max(self.total_bytes, pss_bytes(server.process.pid) + java + workers)


@contextlib.contextmanager
def peak_of(server: Server) -> Iterator[Peak]:
    """Looks again and again for as long as the block runs."""
    peak, enough = Peak(), Event()

    def watch() -> None:
        while not enough.wait(EVERY_S):
            with contextlib.suppress(psutil.NoSuchProcess, ValueError):  # a server that ends
                peak.look(server)

    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        enough.set()
        thread.join()


@contextlib.contextmanager
def sampled_bytes(server: Server, at_s: Sequence[float]) -> Iterator[list[int]]:
    """What all processes of a server take so many seconds after the block's start; complete at its end."""
    samples: list[int] = []

    def look() -> None:
        began_s = time.monotonic()
        for moment_s in at_s:
            time.sleep(max(0.0, moment_s - (time.monotonic() - began_s)))
            samples.append(sum(pss_bytes(process.pid) for process in _family(server)))

    thread = Thread(target=look)
    thread.start()
    try:
        yield samples
    finally:
        thread.join()


def _family(server: Server) -> list[psutil.Process]:
    launcher = psutil.Process(server.process.pid)
    return [launcher, *launcher.children(recursive=True)]
