"""What a look at a model means: whether it can answer, and whether only a restart helps. Pure.

A worker that is busy and one that hangs both keep a request waiting, but only the first uses the processor. So a known
text is always on its way through each model, and while it waits the workers' processor times tell which it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

STUCK_S = 5.0
# TorchServe gives up a dying worker after maxRetryTimeoutInSec (30 s), waits at most 21 s between two attempts, and
# does nothing after that.
DEAD_S = 60.0
# While a server starts. TorchServe gives a worker's process 120 s until it talks, and then says so in its log.
START_S = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerView:
    """A worker as it looks now."""

    is_ready: bool
    """Whether TorchServe calls it READY."""
    idle_s: float
    """Seconds since its process last used the processor."""
    absent_s: float
    """Seconds since its process was last there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelView:
    """A model as it looks now."""

    workers: Sequence[WorkerView]
    queued: int
    """Requests that no worker has taken yet."""
    silent_s: float
    """Seconds since TorchServe's frontend last answered."""
    check_s: float
    """How long known texts have been waiting for a verdict; 0 where none is."""
    failure: str | None
    """Why the known answer cannot be had."""
    is_described: bool = True
    """Whether TorchServe has just described the workers; otherwise they are those of its last description."""
    unmanned_s: float = 0.0
    """Seconds since TorchServe last described a worker."""


def why_not_ready(view: ModelView) -> str | None:
    """Say why a request sent now would not be answered; None where it would."""
    ready = [worker for worker in view.workers if worker.is_ready]
    if view.silent_s >= STUCK_S:
        return f"TorchServe's frontend has not answered for {view.silent_s:.0f} s"
    if not ready:
        return "no worker is loaded"
    if any(worker.absent_s >= STUCK_S for worker in ready):
        return "a worker's process is gone and TorchServe has not noticed"
    if view.failure:
        return view.failure
    if is_hanging(view, STUCK_S):
        return f"a worker hangs: the known text has waited for {view.check_s:.0f} s and nobody works"
    return None


def is_hanging(view: ModelView, patience_s: float) -> bool:
    """Whether a worker should be at work and has not been for `patience_s` seconds."""
    ready = [worker for worker in view.workers if worker.is_ready]
    stuck = [worker for worker in ready if worker.idle_s >= patience_s]
    # An idle worker would have taken what is queued; and when none works, one should be at the known text.
    return view.check_s >= patience_s and bool(stuck) and (view.queued > 0 or len(stuck) == len(ready))


def why_never_ready(view: ModelView) -> str | None:
    """Say why a server that has not been ready yet never will be; None where it may."""
    if view.silent_s >= START_S:
        return f"TorchServe's frontend has not answered for {view.silent_s:.0f} s"
    if view.unmanned_s >= START_S:
        return f"TorchServe has started no worker within {view.unmanned_s:.0f} s"
    if any(worker.absent_s >= START_S for worker in view.workers):
        return f"a worker has had no process for {START_S:.0f} s"
    return None


def why_not_live(view: ModelView) -> str | None:
    """Say why only a restart helps; None where none is needed."""
    if view.silent_s >= DEAD_S:
        return f"TorchServe's frontend has not answered for {view.silent_s:.0f} s"
    if view.workers and all(worker.absent_s >= DEAD_S for worker in view.workers):
        return f"no worker has had a process for {DEAD_S:.0f} s: TorchServe has given them up"
    if any(worker.is_ready and worker.absent_s >= DEAD_S for worker in view.workers):
        return f"a worker's process has been gone for {DEAD_S:.0f} s and TorchServe has not noticed"
    return None
