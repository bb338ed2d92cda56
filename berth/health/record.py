"""What was seen of one model and its workers, from look to look. Pure: times, answers and processes are handed in."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..clients.management import ModelState, WorkerState
from ..process.activity import Activity
from .deep_check import Checked, Verdict
from .diagnosis import ModelView, WorkerView


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelNumbers:
    """What was counted of one model since its server started, and what is so now."""

    state: ModelState | None
    """What TorchServe says of it; None where it does not answer."""
    restarts: int
    """How often another process took a worker's place."""
    verdicts: Mapping[Verdict, int]
    """How many known texts came back, by what their answers were."""
    check_s: float
    """How long known texts have been waiting for a verdict; 0 where none is."""
    told: Mapping[str, object]
    """What the last right answer said of its worker."""


class ModelRecord:
    """One model: what TorchServe says of it, its workers' processes, and how its known texts fare."""

    def __init__(self, now_s: float) -> None:
        self.state: ModelState | None = None
        """TorchServe's last description."""
        self.has_answered = False
        """Whether the model has given its known answer once."""
        self.is_unknown = False
        """Whether TorchServe says that it has no such model: nothing is registered later."""
        self.failure: str | None = None
        """Why the known answer cannot be had, until it can be again."""
        self._restarts = 0
        self._verdicts = Counter(dict.fromkeys(Verdict, 0))
        self._told: Mapping[str, object] = {}
        self._is_described = False
        self._heard_s = now_s  # when TorchServe's frontend last answered
        self._asked_s: float | None = None  # when the first known text since the last verdict was sent
        self._num_errors = 0
        self._manned_s = now_s  # when there last was a worker
        self._workers: dict[str, WorkerRecord] = {}

    @property
    def workers(self) -> Sequence[WorkerState]:
        """The workers as TorchServe last described them."""
        return self.state.workers if self.state else ()

    @property
    def may_be_asked(self) -> bool:
        """Whether a known text would not just wait for the first worker to load."""
        return self.has_answered or (bool(self.workers) and all(worker.is_ready for worker in self.workers))

    def note_state(self, state: ModelState, now_s: float) -> None:
        """TorchServe has described the model."""
        self.state, self._heard_s, self._is_described = state, now_s, True
        if state.workers:
            self._manned_s = now_s

    def note_refusal(self, now_s: float, *, is_unknown: bool) -> None:
        """TorchServe has not described the model, but it has answered; perhaps that it has none of this name."""
        self._heard_s, self._is_described, self.is_unknown = now_s, False, is_unknown

    def note_silence(self) -> None:
        """TorchServe has not answered; what counts is for how long."""
        self._is_described = False

    def note_processes(self, activities: Sequence[Activity | None], now_s: float) -> bool:
        """What the workers' processes do, in TorchServe's order; whether one of them is another than before.

        TorchServe never answers what the former process had taken from the queue, so no known text is on its way then.
        """
        self._workers = {worker.id: self._workers.get(worker.id) or WorkerRecord(now_s) for worker in self.workers}
        is_new = [
            self._workers[worker.id].note(worker.pid, activity, now_s)
            for worker, activity in zip(self.workers, activities, strict=True)
        ]
        self._restarts += sum(is_new)
        if any(is_new):
            self._asked_s = None
        return any(is_new)

    def note_sent(self, now_s: float) -> None:
        """A known text is on its way."""
        self._asked_s = now_s if self._asked_s is None else self._asked_s

    def note_outcome(self, outcome: Checked, now_s: float) -> None:
        """A known text is back, or was given up."""
        self._verdicts[outcome.verdict] += 1
        if outcome.verdict is Verdict.NONE:
            return
        self._asked_s, self._heard_s = None, now_s
        self._num_errors = self._num_errors + 1 if outcome.verdict is Verdict.ERROR else 0
        if outcome.verdict is Verdict.RIGHT:
            self.has_answered, self.failure, self._told = True, None, outcome.told
        # One error may be a neighbour's in the same batch: a user's text that took all memory, a worker that was ended.
        elif outcome.verdict is Verdict.WRONG or self._num_errors > 1 or not self.has_answered:
            self.failure = outcome.reason

    def numbers(self, now_s: float) -> ModelNumbers:
        """What was counted so far."""
        return ModelNumbers(
            state=self.state if self._is_described else None,
            restarts=self._restarts,
            verdicts=dict(self._verdicts),
            check_s=self._check_s(now_s),
            told=self._told,
        )

    def view(self, now_s: float) -> ModelView:
        """The model as it looks now."""
        return ModelView(
            workers=[self._workers[worker.id].view(worker, now_s) for worker in self.workers],
            queued=self.state.pending_requests if self.state else 0,
            silent_s=now_s - self._heard_s,
            check_s=self._check_s(now_s),
            failure=self.failure,
            is_described=self._is_described,
            unmanned_s=now_s - self._manned_s,
        )

    def _check_s(self, now_s: float) -> float:
        asked_s = self._asked_s  # read once: a scrape is another thread than the watch
        return 0.0 if asked_s is None else now_s - asked_s


class WorkerRecord:
    """One worker: which process it has, when that was last there, and when it was last at work."""

    def __init__(self, now_s: float) -> None:
        self._pid: int | None = None
        self._cpu_s = 0.0
        self._worked_s = now_s
        self._seen_s = now_s

    def note(self, pid: int | None, activity: Activity | None, now_s: float) -> bool:
        """What its process does, None where there is none; whether the process is another one than before."""
        if activity is not None:
            self._seen_s = now_s
            if activity.is_working or activity.cpu_s != self._cpu_s:
                self._cpu_s, self._worked_s = activity.cpu_s, now_s
        former, self._pid = self._pid, pid
        return former is not None and former != pid

    def view(self, state: WorkerState, now_s: float) -> WorkerView:
        """The worker as it looks now."""
        return WorkerView(is_ready=state.is_ready, idle_s=now_s - self._worked_s, absent_s=now_s - self._seen_s)
