"""Every model of a running server, looked at again and again: berth/health/diagnosis.py says what the looks mean."""

import threading
import time
from collections.abc import Callable, Sequence

from ..archive.served_model import ServedModel
from ..clients.management import ManagementClient, ModelState, WorkerState
from ..endpoint import Endpoint
from ..errors import BerthError, RequestFailed
from ..process.activity import look_at
from .deep_check import Checked, DeepCheck, Verdict
from .diagnosis import DEAD_S, ModelView, WorkerView, why_not_live, why_not_ready
from .repair import Repairs
from .report import STARTING, Health

START_LOOK_S = 0.2
LOOK_S = 2.0  # on a GPU each look costs one nvidia-smi per worker (pytorch/serve, wlm/WorkerThread.java)
STALE_S = 15.0  # a look takes 10 s at the most: the management client's time-outs


class Watch:
    """All models of a server, each in a thread of its own: one that keeps TorchServe waiting delays no other."""

    def __init__(self, management: Endpoint, inference: Endpoint, models: Sequence[ServedModel]) -> None:
        self._models = [
            ModelWatch(model.name, ManagementClient(management.url), model.predictions_url(inference))
            for model in models
        ]
        self._stopped = threading.Event()

    def start(self) -> None:
        """Look at every model again and again, until the process ends."""
        for model in self._models:
            threading.Thread(target=model.run, args=[self._stopped], name=f"watch-{model.name}", daemon=True).start()

    def stop(self) -> None:
        """Look no more and repair nothing; a known text that is on its way is still answered."""
        self._stopped.set()

    def health(self) -> Health:
        """Of all models together, now."""
        if not self.has_started:
            return STARTING
        now_s = time.monotonic()
        return Health(
            live=next(filter(None, (model.why_not_live(now_s) for model in self._models)), None),
            ready=next(filter(None, (model.why_not_ready(now_s) for model in self._models)), None),
        )

    @property
    def has_started(self) -> bool:
        """Every model has given a known answer once."""
        return all(model.has_answered for model in self._models)

    @property
    def failure(self) -> str | None:
        """Of the first model that cannot give its known answer, for people."""
        failing = (model for model in self._models if model.failure)
        return next((f"{model.name} was loaded but cannot predict: {model.failure}" for model in failing), None)

    @property
    def lost(self) -> str | None:
        """Why only a new server helps, for people; what could be repaired was tried."""
        return next(filter(None, (model.lost for model in self._models)), None)


class ModelWatch:
    """One model: its workers' processes, and the known text that is on its way."""

    def __init__(
        self, name: str, management: ManagementClient, url: str, send: Callable[[str], DeepCheck] = DeepCheck
    ) -> None:
        self.name = name
        self.has_answered = False
        self.failure: str | None = None
        """Why the known answer cannot be had, until it can be again."""
        self._management = management
        self._url = url
        self._send = send
        self._state: ModelState | None = None
        self._workers: dict[str, WorkerWatch] = {}
        self._check: DeepCheck | None = None
        self._asked_s: float | None = None  # the first known text since the last verdict
        self._num_errors = 0
        self._answered_s = time.monotonic()
        self._is_described = False
        self._view: ModelView | None = None
        self._looked_s = self._answered_s
        self._repairs = Repairs(management)

    def run(self, stopped: threading.Event) -> None:
        """Look until somebody says stop."""
        while not stopped.wait(LOOK_S if self.has_answered else START_LOOK_S):
            self.look(time.monotonic)

    @property
    def lost(self) -> str | None:
        """Why only a new server helps."""
        return self._repairs.lost and f"{self.name}: {self._repairs.lost}"

    def why_not_ready(self, now_s: float) -> str | None:
        """As of the last look; a watch that looks no more knows nothing."""
        return self._say(why_not_ready, now_s, STALE_S)

    def why_not_live(self, now_s: float) -> str | None:
        """As of the last look."""
        return self._say(why_not_live, now_s, DEAD_S)

    def look(self, clock: Callable[[], float]) -> None:
        """One look; a new known text is sent when the last one is back, and what can be repaired is."""
        states = self._describe(clock)
        now_s = clock()
        self._workers = {state.id: self._workers.get(state.id) or WorkerWatch(now_s) for state in states}
        is_new = [self._workers[state.id].look(state.pid, now_s) for state in states]
        if any(is_new):  # TorchServe never answers what the last process had taken from the queue
            self._check = self._asked_s = None
        self._step_check(states, now_s)
        self._view = ModelView(
            workers=[self._workers[state.id].view(state, now_s) for state in states],
            queued=self._state.pending_requests if self._state else 0,
            silent_s=now_s - self._answered_s,
            check_s=0.0 if self._asked_s is None else now_s - self._asked_s,
            failure=self.failure,
            is_described=self._is_described,
        )
        self._looked_s = now_s
        if self.has_answered and self._state:  # until then a failure is the launcher's to report
            self._repairs.step(self._view, self._state, now_s)

    def _say(self, judge: Callable[[ModelView], str | None], now_s: float, patience_s: float) -> str | None:
        if now_s - self._looked_s >= patience_s:
            return f"{self.name}: berth has not looked for {now_s - self._looked_s:.0f} s"
        reason = judge(self._view) if self._view else None
        return reason and f"{self.name}: {reason}"

    def _describe(self, clock: Callable[[], float]) -> Sequence[WorkerState]:
        """The workers; those of the last time where the frontend does not say."""
        self._is_described = False
        try:
            self._state = self._management.describe(self.name)
            self._answered_s, self._is_described = clock(), True
        except RequestFailed:  # an answer all the same
            self._answered_s = clock()
        except BerthError:
            pass  # what counts is for how long
        return self._state.workers if self._state else ()

    def _step_check(self, states: Sequence[WorkerState], now_s: float) -> None:
        if self._check and self._check.outcome:
            self._note(self._check.outcome, now_s)
            self._check = None
        is_loaded = bool(states) and all(state.is_ready for state in states)
        if self._check is None and (is_loaded or self.has_answered):
            self._check = self._send(self._url)
            self._asked_s = now_s if self._asked_s is None else self._asked_s

    def _note(self, outcome: Checked, now_s: float) -> None:
        if outcome.verdict is Verdict.NONE:
            return
        self._asked_s, self._answered_s = None, now_s
        self._num_errors = self._num_errors + 1 if outcome.verdict is Verdict.ERROR else 0
        if outcome.verdict is Verdict.RIGHT:
            self.has_answered, self.failure = True, None
        # One error may be a neighbour's in the same batch: a user's text that took all memory, a worker that was ended.
        elif outcome.verdict is Verdict.WRONG or self._num_errors > 1 or not self.has_answered:
            self.failure = outcome.reason


class WorkerWatch:
    """One worker: which process it has, when that was last there, and when it was last at work."""

    def __init__(self, now_s: float) -> None:
        self._pid: int | None = None
        self._cpu_s = 0.0
        self._worked_s = now_s
        self._seen_s = now_s

    def look(self, pid: int | None, now_s: float) -> bool:
        """The processor time of its process, beside what it was; whether the process is another one."""
        activity = look_at(pid)
        if activity is not None:
            self._seen_s = now_s
            if activity.is_working or activity.cpu_s != self._cpu_s:
                self._cpu_s, self._worked_s = activity.cpu_s, now_s
        former, self._pid = self._pid, pid
        return former is not None and former != pid

    def view(self, state: WorkerState, now_s: float) -> WorkerView:
        """How it looks now."""
        return WorkerView(is_ready=state.is_ready, idle_s=now_s - self._worked_s, absent_s=now_s - self._seen_s)
