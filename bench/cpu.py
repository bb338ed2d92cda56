"""Who used the cores while something was measured: the load generator, and processes that have no part in it."""

import time
from dataclasses import dataclass
from typing import Self

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuShares:
    """Cores kept busy, on average."""

    client: float
    """By this process."""
    others: float
    """By neither this process nor those that it started, time stolen by a hypervisor included: the noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuReading:
    """CPU seconds up to a moment."""

    wall_s: float
    machine_s: float
    client_s: float
    children_s: float

    @classmethod
    def now(cls) -> Self:
        """Of this process, the living processes below it, and the machine."""
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
    """What happened between two readings."""
    wall_s = end.wall_s - start.wall_s
    client_s = end.client_s - start.client_s
    children_s = end.children_s - start.children_s
    others_s = end.machine_s - start.machine_s - client_s - children_s
    return CpuShares(client=client_s / wall_s, others=max(0.0, others_s) / wall_s)
