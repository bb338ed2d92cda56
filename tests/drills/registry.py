"""Every drill by its name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from . import cgroup, cold_start, drain, faults, front, kills, memory, overload, starts
from .alerts import dashboard
from .alerts import drill as alerts
from .trouble import clock, disk, files, hangups, heap, leak, restart, rollout, store


@dataclass(frozen=True, kw_only=True)
class Drill:
    """One promise."""

    title: str
    run: Callable[[Path], Iterator[str]]
    """Works in an empty folder and yields the lines that it found; one that begins with FAILED is a broken promise."""


DRILLS: dict[str, Drill] = {
    "drain": Drill(title="requests that run or wait at SIGTERM", run=drain.run),
    "starts": Drill(title="/ready at 20 starts", run=starts.run),
    "faults": Drill(title="/ready when a worker hangs, dies in a loop, is wrong or a zombie", run=faults.run),
    "kills": Drill(title="SIGKILL to workers, java and berth", run=kills.run),
    "cold-start": Drill(title="from `berth serve` to the first right answer of a 438 MB model", run=cold_start.run),
    "memory": Drill(title="memory, predicted and measured under a full queue of the largest requests", run=memory.run),
    "overload": Drill(title="ten times the requests that it can answer, for 60 s", run=overload.run),
    "front": Drill(title="the front killed; clients that hang up, send slowly, say nothing", run=front.run),
    "cgroup": Drill(title="in a memory cgroup of the predicted size, and in one that is too small", run=cgroup.run),
    "alerts": Drill(title="every alert fires at its fault, and clears", run=alerts.run),
    "dashboard": Drill(title="every query of the dashboard under load, and a picture", run=dashboard.run),
    "rollout": Drill(title="another version and back under load; canaries that are worse", run=rollout.run),
    "leak": Drill(title="a worker that leaks 1 MB a request", run=leak.run),
    "heap": Drill(title="java's heap too small for what waits", run=heap.run),
    "disk": Drill(title="the temporary folder full", run=disk.run),
    "store": Drill(title="the archive and its unpacked folder taken away", run=store.run),
    "hangups": Drill(title="clients gone in the middle; bytes that trickle in", run=hangups.run),
    "restart": Drill(title="started again at once, while the ports' connections linger", run=restart.run),
    "clock": Drill(title="the clock jumps", run=clock.run),
    "files": Drill(title="file descriptors used up", run=files.run),
}
