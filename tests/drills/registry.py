"""Every drill by its name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from . import cold_start, drain, faults, front, kills, memory, overload, soak, starts


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
    "soak": Drill(title="in a memory cgroup of the predicted size, and in one that is too small", run=soak.run),
}
