"""What each alert is there for, done to a server and undone again."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from .scene import Scene, asked

QUEUE_CLIENTS = 260  # the front lets 128 in, of which a worker takes 64
WORK_S = 0.3  # of a request: a batch takes 19 s of the 30 that it may, and a client waits over a minute
HELD_MIB, HELD_S = 1600, 20
RELOAD_S = 60.0
BROKEN = "broken"
"""The file that tests/support/faulty_handler.py leaves, and finds when it loads."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that happens for as long as the block lasts, and which alerts must say so."""

    name: str
    alerts: tuple[str, ...]
    happening: Callable[[Scene], AbstractContextManager[None]]


@contextlib.contextmanager
def lost(scene: Scene) -> Iterator[None]:
    """Every other request is answered 500."""
    with asked(scene, "fail"), asked(scene, "0"):
        yield


@contextlib.contextmanager
def full(scene: Scene) -> Iterator[None]:
    """More requests than TorchServe is handed."""
    with asked(scene, f"work {WORK_S}", QUEUE_CLIENTS):
        yield


@contextlib.contextmanager
def wrong(scene: Scene) -> Iterator[None]:
    """The known text gets another answer, until the worker is killed."""
    scene.post("wrong")
    yield
    _kill_worker(scene)


@contextlib.contextmanager
def killed_twice(scene: Scene) -> Iterator[None]:
    """A worker is killed, and the next one too."""
    for _ in range(2):
        _kill_worker(scene)
        scene.wait_for("/ready")
    yield


@contextlib.contextmanager
def broken(scene: Scene) -> Iterator[None]:
    """The worker ends at each start."""
    scene.post("loop")
    yield
    for path in scene.server.temp.rglob(BROKEN):
        path.unlink()


@contextlib.contextmanager
def silent(scene: Scene) -> Iterator[None]:
    """Java hangs, and says nothing of its workers any more."""
    scene.server.java.suspend()
    yield
    scene.server.java.resume()


@contextlib.contextmanager
def swollen(scene: Scene) -> Iterator[None]:
    """A worker holds most of the memory for as long as a batch takes, again and again."""
    with asked(scene, f"hold {HELD_MIB} {HELD_S}"):
        yield


@contextlib.contextmanager
def gone(scene: Scene) -> Iterator[None]:
    """The server ends, and is started later."""
    scene.stop()
    yield
    scene.start()


@contextlib.contextmanager
def restarted(scene: Scene) -> Iterator[None]:
    """Ended and started twice."""
    for _ in range(2):
        scene.stop()
        scene.start(until="/metrics")
    yield


def _kill_worker(scene: Scene) -> None:
    (pid,) = before = scene.server.worker_pids()
    os.kill(pid, signal.SIGKILL)
    scene.server.require(lambda: scene.server.worker_pids() != before, RELOAD_S, "another worker")


FAULTS = (
    Fault(name="half of the requests get 500", alerts=("BerthErrorsBurnFast", "BerthErrorsBurnSlow"), happening=lost),
    Fault(
        name=f"{QUEUE_CLIENTS} clients, {WORK_S} s of work each",
        alerts=("BerthSaturated", "BerthSlowBurnFast", "BerthSlowBurnSlow", "BerthRequestStuck"),
        happening=full,
    ),
    Fault(name="a worker whose answers are wrong", alerts=("BerthSelfTestFailed", "BerthNotReady"), happening=wrong),
    Fault(name="SIGKILL to two workers", alerts=("BerthWorkersRestart",), happening=killed_twice),
    Fault(name="a worker that ends at each start", alerts=("BerthWorkersMissing",), happening=broken),
    Fault(name="a java that hangs", alerts=("BerthNotReady",), happening=silent),
    Fault(name=f"a worker that takes {HELD_MIB} MiB", alerts=("BerthMemoryNearLimit",), happening=swollen),
    Fault(name="berth is stopped", alerts=("BerthDown", "BerthInstanceDown"), happening=gone),
    Fault(name="berth is started twice", alerts=("BerthRestarts",), happening=restarted),
)
