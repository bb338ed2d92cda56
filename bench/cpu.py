"""Who used the cores during a measurement: the load generator, and processes that have no part in it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import psutil


@contextmanager
def neighbour() -> Iterator[None]:
    """A process that keeps one core busy at normal priority, as a container next door would."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuShares:
    """Cores kept busy, on average."""

    client: float
    """Cores kept busy by this process, which generates the load."""
    others: float
    """Cores kept busy by other processes than this and those that it started, and by a hypervisor: the noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuReading:
    """CPU seconds used up to a moment."""

    wall_s: float
    machine_s: float
    client_s: float
    children_s: float

    @classmethod
    def now(cls) -> Self:
        """Read this process, the living processes below it, and the machine."""
        times = psutil.cpu_times()
        idle_s = times.idle + getattr(times, "iowait", 0.0)
        guests_s = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # Linux counts them as user too
        children = psutil.Process().children(recursive=True)
        return cls(
            wall_s=time.perf_counter(),
            machine_s=sum(times) - idle_s - guests_s,
            client_s=time.process_time(),
            children_s=sum(child.cpu_times().user + child.cpu_times().system for child in children),
        )


def shares_between(start: CpuReading, end: CpuReading) -> CpuShares:
    """The cores kept busy between two readings."""
    wall_s = end.wall_s - start.wall_s
    client_s = end.client_s - start.client_s
    children_s = end.children_s - start.children_s
    others_s = end.machine_s - start.machine_s - client_s - children_s
    return CpuShares(client=client_s / wall_s, others=max(0.0, others_s) / wall_s)
