"""Whether every model can answer, looked at again and again while the server runs.

A worker that is busy and one that hangs both keep a request waiting; only the first uses the processor. So a known text
is always on its way through each model, and while it waits the workers' processor times tell which it is.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from .errors import BerthError
from .health import STARTING, Health
from .management import Management, ModelState, WorkerState
from .preflight import ServedModel
from .ready import Checked, DeepCheck
from .settings import Endpoint

STUCK_S = 5.0
# TorchServe gives a dying worker up after maxRetryTimeoutInSec (30 s), waits at most 21 s between two attempts, and
# does nothing from then on.
DEAD_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSight:
    """A worker as it looks now."""

    is_ready: bool
    """Says TorchServe."""
    idle_s: float
    """Since its process last used the processor."""
    absent_s: float
    """Since its process was last there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A model as it looks now."""

    workers: Sequence[WorkerSight]
    queued: int
    """Requests that no worker has taken yet."""
    silent_s: float
    """Since TorchServe's frontend last answered."""
    check_s: float
    """How long the known text has been waiting; 0 where none is."""
    failure: str | None
    """Of the last known text that was answered."""


def why_not_ready(sight: Sight) -> str | None:
    """Why a request sent now would not be answered; None where it would."""
    ready = [worker for worker in sight.workers if worker.is_ready]
    stuck = [worker for worker in ready if worker.idle_s >= STUCK_S]
    if sight.silent_s >= STUCK_S:
        return f"TorchServe's frontend has not answered for {sight.silent_s:.0f} s"
    if not ready:
        return "no worker is loaded"
    if any(worker.absent_s >= STUCK_S for worker in ready):
        return "a worker's process is gone and TorchServe has not noticed"
    if sight.failure:
        return sight.failure
    # An idle worker would have taken what is queued; and when none works, somebody should be at the known text.
    if sight.check_s >= STUCK_S and stuck and (sight.queued or len(stuck) == len(ready)):
        return f"a worker hangs: the known text has waited for {sight.check_s:.0f} s and nobody works"
    return None


def why_not_live(sight: Sight) -> str | None:
    """Why only a restart helps; None where it does not need one."""
    if sight.silent_s >= DEAD_S:
        return f"TorchServe's frontend has not answered for {sight.silent_s:.0f} s"
    if any(worker.absent_s >= DEAD_S for worker in sight.workers):
        return f"a worker has had no process for {DEAD_S:.0f} s: TorchServe has given it up"
    return None


class Watch:
    """All models of a server."""

    def __init__(self, management: Endpoint, inference: Endpoint, models: Sequence[ServedModel]) -> None:
        self._management = Management(management.url)
        self._models = [ModelWatch(self._management, inference, model) for model in models]

    def look(self) -> Health:
        """Look at every model once."""
        now_s = time.monotonic()
        sights = {model.name: model.look(now_s) for model in self._models}
        if not self.has_started:
            return STARTING
        return Health(
            live=next((f"{name}: {why}" for name, sight in sights.items() if (why := why_not_live(sight))), None),
            ready=next((f"{name}: {why}" for name, sight in sights.items() if (why := why_not_ready(sight))), None),
        )

    @property
    def has_started(self) -> bool:
        """Every model has given a known answer once."""
        return all(model.has_answered for model in self._models)

    @property
    def failure(self) -> str | None:
        """Of the first model whose known text came back wrong."""
        return next((f"{model.name}: {model.failure}" for model in self._models if model.failure), None)


class ModelWatch:
    """One model: its workers' processes, and the known text that is on its way."""

    def __init__(self, management: Management, inference: Endpoint, model: ServedModel) -> None:
        self.name = model.name
        self.has_answered = False
        self.failure: str | None = None
        self._management = management
        self._inference = inference
        self._model = model
        self._state: ModelState | None = None
        self._answered_s = time.monotonic()
        self._workers: dict[str, WorkerWatch] = {}
        self._check: DeepCheck | None = None

    def look(self, now_s: float) -> Sight:
        """One look; a new known text is sent when the last one is back."""
        self._describe(now_s)
        states = self._state.workers if self._state else ()
        self._workers = {state.id: self._workers.get(state.id) or WorkerWatch(now_s) for state in states}
        workers = [self._workers[state.id].look(state, now_s) for state in states]
        self._step_check(workers)
        return Sight(
            workers=workers,
            queued=self._state.pending_requests if self._state else 0,
            silent_s=now_s - self._answered_s,
            check_s=now_s - self._check.started_s if self._check else 0.0,
            failure=self.failure,
        )

    def _describe(self, now_s: float) -> None:
        try:
            self._state = self._management.describe(self.name)
            self._answered_s = now_s
        except BerthError:
            pass  # what counts is for how long

    def _step_check(self, workers: Sequence[WorkerSight]) -> None:
        if self._check and self._check.outcome:
            self._note(self._check.outcome)
            self._check = None
        is_loaded = bool(workers) and all(worker.is_ready for worker in workers)
        if self._check is None and (is_loaded or self.has_answered):
            self._check = DeepCheck(self._inference, self._model)

    def _note(self, outcome: Checked) -> None:
        if not outcome.is_busy:
            self.failure = outcome.failure
            self.has_answered = self.has_answered or outcome.failure is None


class WorkerWatch:
    """One worker: when its process was last there, and last at work."""

    def __init__(self, now_s: float) -> None:
        self._cpu_s = 0.0
        self._worked_s = now_s
        self._seen_s = now_s

    def look(self, state: WorkerState, now_s: float) -> WorkerSight:
        """The processor time of the process that TorchServe names, beside what it was."""
        cpu_s = _cpu_time_s(state.pid)
        if cpu_s is not None:
            self._seen_s = now_s
            if cpu_s != self._cpu_s:
                self._cpu_s, self._worked_s = cpu_s, now_s
        return WorkerSight(is_ready=state.is_ready, idle_s=now_s - self._worked_s, absent_s=now_s - self._seen_s)


def _cpu_time_s(pid: int | None) -> float | None:
    """User and system time of a process; None where there is no such process any more."""
    try:
        process = psutil.Process(pid) if pid and pid > 0 else None
        if process is None or process.status() == psutil.STATUS_ZOMBIE:
            return None
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return None
    return float(times.user + times.system)
