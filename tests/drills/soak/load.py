"""Clients that send at a steady pace, and what each minute was like: latency, ends, memory by process."""

import statistics
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Lock

import psutil

from bench.stats import percentile
from berth.machine.quantities import MIB
from tests.support.servers import Server

from .mix import Client

NUM_CLIENTS = 4
PAUSE_S = 0.05  # of each client after an answer: the machine is not full, or latency would be its neighbours'
LOOK_S = 5.0
GATEWAY = "berth.gateway"


@dataclass(frozen=True, kw_only=True)
class Span:
    """A minute, or a shorter time in the same way."""

    sent: int
    wrong: Mapping[str, int]
    """How many ended otherwise than they should: by kind and end."""
    p50_ms: float
    p99_ms: float
    """Of those that were sent by the native door."""
    mib: Mapping[str, float]
    """Resident memory of each kind of process, median of several looks."""


class Notes:
    """What the clients note, taken out once a span."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ends: list[tuple[str, str, float]] = []

    def add(self, kind: str, end: str, took_s: float) -> None:
        with self._lock:
            self._ends.append((kind, end, took_s))

    def take(self, looks: Sequence[Mapping[str, float]]) -> Span:
        """What was noted since the last time, and the memory that was seen meanwhile."""
        with self._lock:
            ends, self._ends = self._ends, []
        native_ms = [took_s * 1000 for kind, end, took_s in ends if kind == "native" and not end] or [0.0]
        return Span(
            sent=len(ends),
            wrong=Counter(f"{kind}: {end}" for kind, end, _ in ends if end),
            p50_ms=percentile(native_ms, 50),
            p99_ms=percentile(native_ms, 99),
            mib={name: statistics.median(look[name] for look in looks) for name in looks[-1]},
        )


def soak(server: Server, spans: int, span_s: float) -> list[Span]:
    """So many spans of load."""
    enough, notes = Event(), Notes()
    with ThreadPoolExecutor(NUM_CLIENTS) as pool:
        clients = [pool.submit(_send, Client(server, seed), enough, notes) for seed in range(NUM_CLIENTS)]
        try:
            found = [notes.take(_looks(server, span_s)) for _ in range(spans)]
        finally:
            enough.set()
    for client in clients:
        client.result()
    return found


def _send(client: Client, enough: Event, notes: Notes) -> None:
    while not enough.wait(PAUSE_S):
        began_s = time.monotonic()
        kind, end = client.send()
        notes.add(kind, end, time.monotonic() - began_s)
    client.close()


def _looks(server: Server, span_s: float) -> list[Mapping[str, float]]:
    until_s, looks = time.monotonic() + span_s, [resident_mib(server)]
    while (left_s := until_s - time.monotonic()) > 0:
        time.sleep(min(LOOK_S, left_s))
        looks.append(resident_mib(server))
    return looks


def resident_mib(server: Server) -> Mapping[str, float]:
    """Resident memory of each kind of process; a page that several share counts for each."""
    found = dict.fromkeys(("launcher", "java", "forks", "workers", "haproxy", "gateway"), 0.0)
    launcher = psutil.Process(server.process.pid)
    for process in (launcher, *launcher.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            if name := _kind_of(process, server):
                found[name] += process.memory_info().rss / MIB
    return found


def _kind_of(process: psutil.Process, server: Server) -> str | None:
    """None of the small processes that wait for a worker's end."""
    if process.pid == server.process.pid:
        return "launcher"
    name, command = process.name(), process.cmdline()
    if name in ("java", "haproxy"):
        return name
    if name == "berth-worker":
        return "workers"
    return "forks" if "berth.workers.fork_server" in command else "gateway" if GATEWAY in command else None
