"""`berth scale`: ask for a number of workers, then look until they are READY, or say why they are not."""

import time

from ..archive.content import SERVER_SETTINGS
from ..clients.addresses import is_same_server
from ..clients.launcher import HEALTH_VARIABLE, Capacity
from ..clients.management import ManagementClient, ModelState, WorkerState
from ..errors import BerthError, Refused
from ..progress import Advance, Progress
from ..wait import wait_until

START_S = 30.0  # a worker's Python on a busy machine, before startupTimeout begins to count
LOOK_EVERY_S = 0.5  # on GPUs each look runs nvidia-smi once per worker
RETRIED_S = SERVER_SETTINGS["maxRetryTimeoutInSec"]
NOT_CHECKED = "whether memory holds so many was not checked: {why}"
NOT_KEPT = (
    "a rollout keeps so many, and a restarted server has config.properties' default_workers_per_model again; "
    "in Kubernetes, scale the Deployment's replicas instead"
)


def require_room(url: str, model: str, workers: int, capacity: Capacity | None, launcher: str) -> str | None:
    """Refused where the server's memory does not hold so many; why that is not known, or None where it was checked.

    `url`: the server's management address; `capacity`: what the launcher at the address `launcher` says of its server.
    """
    if capacity is None:
        return (
            f"no launcher answers at {launcher}; run this where the server runs (`kubectl exec`), or set "
            f"{HEALTH_VARIABLE} to its health address"
        )
    if not is_same_server(capacity.management, url) or model not in capacity.models:
        return (
            f"the launcher at {launcher} is of another server, which has {capacity.management} for its management "
            f"address; set {HEALTH_VARIABLE} to the health address of this one"
        )
    if workers > capacity.max_workers:
        raise Refused(
            f"{workers} workers of {model} are too many for this server, which has room for {capacity.max_workers} "
            f"of each model: {capacity.reason}"
        )
    return None


def scale_model(
    management: ManagementClient, model: str, workers: int, progress: Progress, *, timeout_s: float | None = None
) -> ModelState:
    """Scale a model and wait until all its workers are READY; BerthError when one dies, or after startupTimeout."""
    before = management.describe(model)
    management.scale(model, workers=workers)
    scaling = _Scaling(management, before, workers, progress.begin(f"workers of {model}", workers))
    limit_s = before.startup_timeout_s + START_S if timeout_s is None else timeout_s
    if not wait_until(scaling.look, limit_s, lambda _: time.sleep(LOOK_EVERY_S)):
        raise BerthError(f"after {limit_s:.0f} s {scaling.summary}; {scaling.advice}") from scaling.failure
    return scaling.state


def is_scaled(state: ModelState, workers: int) -> bool:
    """Whether there are as many workers as were asked for, and all have loaded."""
    return len(state.workers) == workers == state.num_ready


class _Scaling:
    """Follows a model's workers from the moment that a number of them was asked for."""

    def __init__(self, management: ManagementClient, before: ModelState, workers: int, advance: Advance) -> None:
        self.state = before
        self.failure: BerthError | None = None
        """Why the last look got no answer; None where it got one."""
        self._management = management
        self._before = before
        self._workers = workers
        self._advance = advance
        self._num_shown = 0
        self._pids: dict[str, int] = {}

    def look(self) -> bool:
        """Look once: whether the workers are as asked for, not yet without an answer; BerthError when one has died."""
        try:
            self.state, self.failure = self._management.describe(self.state.path), None
        except BerthError as error:  # a server that is busy with starting workers may answer late
            self.failure = error
            return False
        num_done = min(self.state.num_ready, self._workers)
        self._advance(num_done - self._num_shown)
        self._num_shown = num_done
        for worker in self.state.workers:
            self._require_same_process(worker)
        return is_scaled(self.state, self._workers)

    def _require_same_process(self, worker: WorkerState) -> None:
        """Find a worker that died. TorchServe never says so: it starts another process under the same id."""
        if worker.pid and self._pids.setdefault(worker.id, worker.pid) != worker.pid:
            raise BerthError(f"{self.summary}: worker {worker.id} died and was started again; {self.advice}")

    @property
    def summary(self) -> str:
        name, states = self.state.name, ", ".join(f"{worker.id} {worker.status}" for worker in self.state.workers)
        unanswered = f"; the last look at it failed: {self.failure}" if self.failure else ""
        return f"{name} has {self.state.num_ready} of {self._workers} workers READY ({states}){unanswered}"

    @property
    def advice(self) -> str:
        """Say where the reason is logged, and the way back from workers that cannot start."""
        num_before = len(self._before.workers)
        back = f"`berth scale {self.state.name} --workers {num_before}` goes back"
        where = "the log of `berth serve` says why: a traceback, or none where memory ran out"
        retried = f"TorchServe gives up a worker that fails for {RETRIED_S} s"
        return f"{where}. {retried}{f'; {back}' if 0 < num_before < self._workers else ''}"
