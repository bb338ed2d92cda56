"""Looks at every model of a running server again and again.

record.py keeps what was seen, diagnosis.py says what it means, repair.py does something about it.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from pathlib import Path

from ..archive.served_model import ServedModel
from ..clients.management import ManagementClient
from ..endpoint import Endpoint
from ..errors import BerthError, RequestFailed
from ..process.activity import Activity, look_at
from ..process.threads import start_thread
from .deep_check import DeepCheck, Verdict
from .diagnosis import DEAD_S, ModelView, why_never_ready, why_not_live, why_not_ready
from .record import ModelNumbers, ModelRecord
from .repair import Repairs
from .report import STARTING, Health

START_LOOK_S = 0.2
LOOK_S = 2.0  # on a GPU each look costs one nvidia-smi per worker (pytorch/serve, wlm/WorkerThread.java)
STALE_S = 15.0  # a look takes 10 s at the most: the management client's time-outs


class Watch:
    """Watches a server's models, each in a thread of its own: one that keeps TorchServe waiting delays no other."""

    def __init__(self, management: Endpoint, inference: Endpoint, models: Sequence[ServedModel]) -> None:
        self._models = [
            ModelWatch(
                model.path,
                ManagementClient(management.url),
                partial(DeepCheck, model.check_url(inference)),
                folder=model.folder,
            )
            for model in models
        ]
        self._stopped = threading.Event()

    def start(self) -> None:
        """Look at every model again and again, until the process ends."""
        for model in self._models:
            start_thread(f"watch-{model.path}", model.run, self._stopped)

    def stop(self) -> None:
        """Look no more and repair nothing; a known text that is on its way is still answered."""
        self._stopped.set()

    def numbers(self) -> dict[str, ModelNumbers]:
        """What was counted of each model, by its path."""
        now_s = time.monotonic()
        return {model.path: model.numbers(now_s) for model in self._models}

    def health(self) -> Health:
        """The health of all models together, now."""
        if not self.has_started:
            return STARTING
        now_s = time.monotonic()
        return Health(
            live=next(filter(None, (model.why_not_live(now_s) for model in self._models)), None),
            ready=next(filter(None, (model.why_not_ready(now_s) for model in self._models)), None),
        )

    @property
    def has_started(self) -> bool:
        """Whether every model has given a known answer once."""
        return all(model.has_answered for model in self._models)

    @property
    def failure(self) -> str | None:
        """What the first model that cannot give its known answer says instead, for people."""
        failing = (model for model in self._models if model.failure)
        return next((f"{model.name} was loaded but cannot predict: {model.failure}" for model in failing), None)

    @property
    def unknown(self) -> str | None:
        """The first model that TorchServe says it does not have."""
        return next((model.path for model in self._models if model.is_unknown), None)

    @property
    def why_never_ready(self) -> str | None:
        """Why a server that has not been ready yet never will be, for people."""
        return next(filter(None, (model.why_never_ready for model in self._models)), None)

    @property
    def lost(self) -> str | None:
        """Why only a new server helps, for people; what could be repaired was tried."""
        return next(filter(None, (model.lost for model in self._models)), None)


class ModelWatch:
    """Looks at one model: asks TorchServe, its workers' processes and a known text, and repairs what it can."""

    def __init__(
        self,
        path: str,
        management: ManagementClient,
        send: Callable[[], DeepCheck],
        look_at: Callable[[int | None], Activity | None] = look_at,
        folder: Path | None = None,
    ) -> None:
        """`path`: the model as addresses name it; `send` sends a known text; `look_at` says what the process of a pid
        does; `folder`: as Repairs has it.
        """
        self.path = path
        self.name = path.replace("/", " ")
        """For people."""
        self._management = management
        self._send = send
        self._look_at = look_at
        self._check: DeepCheck | None = None
        self._repairs = Repairs(management, folder)
        self._looked_s = time.monotonic()
        self._hindrance = ""
        """Why the last look failed, for the end of a sentence."""
        self._record = ModelRecord(self._looked_s)
        self._view: ModelView | None = None

    @property
    def has_answered(self) -> bool:
        """Whether the model has given its known answer once."""
        return self._record.has_answered

    @property
    def failure(self) -> str | None:
        """Why the known answer cannot be had, until it can be again."""
        return self._record.failure

    @property
    def is_unknown(self) -> bool:
        """Whether TorchServe says that it has no such model."""
        return self._record.is_unknown

    @property
    def why_never_ready(self) -> str | None:
        """Why a server that has not been ready yet never will be, by the last look."""
        reason = why_never_ready(self._view) if self._view else None
        return reason and f"{self.name}: {reason}"

    @property
    def lost(self) -> str | None:
        """Why only a new server helps."""
        return self._repairs.lost and f"{self.name}: {self._repairs.lost}"

    def numbers(self, now_s: float) -> ModelNumbers:
        """What was counted so far."""
        counted = self._record.numbers(now_s)
        # A worker that is scaled away and back has another id, so the record takes it for one more, not for the same.
        restarts = counted.restarts + self._repairs.num_renewed
        check = self._check  # read once: a scrape is another thread than the watch
        is_back = check is not None and check.outcome is not None and check.outcome.verdict is not Verdict.NONE
        return replace(counted, restarts=restarts, check_s=0.0 if is_back else counted.check_s)

    def run(self, stopped: threading.Event) -> None:
        """Look until somebody says stop."""
        while not stopped.wait(LOOK_S if self.has_answered else START_LOOK_S):
            try:
                self.look(time.monotonic)
                self._hindrance = ""
            except OSError as error:  # no file descriptor or thread is left: it looks again
                self._hindrance = f": {error.strerror}"

    def why_not_ready(self, now_s: float) -> str | None:
        """Why a request would not be answered, by the last look; a watch that looks no more knows nothing."""
        return self._judge(why_not_ready, now_s, STALE_S)

    def why_not_live(self, now_s: float) -> str | None:
        """Why only a restart helps, by the last look."""
        return self._judge(why_not_live, now_s, DEAD_S)

    def look(self, clock: Callable[[], float]) -> None:
        """Look once; a new known text is sent when the last one is back, and what can be repaired is."""
        record = self._record
        self._ask_torchserve(clock)
        now_s = clock()
        activities = [self._look_at(worker.pid) for worker in record.workers]
        if record.note_processes(activities, now_s):
            self._check = None
        self._step_check(now_s)
        self._view, self._looked_s = record.view(now_s), now_s
        if record.has_answered and record.state:  # until then a failure is the launcher's to report
            self._repairs.step(self._view, record.state, now_s)

    def _judge(self, judge: Callable[[ModelView], str | None], now_s: float, patience_s: float) -> str | None:
        if now_s - self._looked_s >= patience_s:
            return f"{self.name}: berth has not looked for {now_s - self._looked_s:.0f} s{self._hindrance}"
        reason = judge(self._view) if self._view else None
        return reason and f"{self.name}: {reason}"

    def _ask_torchserve(self, clock: Callable[[], float]) -> None:
        try:
            state = self._management.describe(self.path)
            self._record.note_state(state, clock())
        except RequestFailed as error:
            self._record.note_refusal(clock(), is_unknown=error.code == HTTPStatus.NOT_FOUND)
        except BerthError:
            self._record.note_silence()

    def _step_check(self, now_s: float) -> None:
        if self._check and self._check.outcome:
            self._record.note_outcome(self._check.outcome, now_s)
            self._check = None
        if self._check is None and self._record.may_be_asked:
            self._check = self._send()
            self._record.note_sent(now_s)
