"""Waits until the requests that a server has accepted are answered: java drops them when it gets SIGTERM.

TorchServe says what is queued, not what is running. So a known text is sent behind what was accepted, and by the time
that it is back one worker has answered all that came before. The others show by their use of the processor whether they
are at work, and an answer that a client has not taken yet lies in a socket.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from http import HTTPStatus
from pathlib import Path

from ..archive.served_model import ServedModel
from ..clients.management import ManagementClient
from ..errors import BerthError, RequestFailed, ServerUnreachable
from ..health.deep_check import DeepCheck, Verdict
from ..process.activity import Activity, look_at
from ..settings import Settings

# Between two looks that see nobody at work a request may be on its way from the queue to a worker, or from a worker to
# its socket: milliseconds.
QUIET_S = 0.5
LATE_S = 5.0  # after the known text: with clients that never pause there would be no end
TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))  # Linux; proc_net_tcp(5)


class Drain:
    """Looks at a server that is to stop, until nobody waits for an answer of it."""

    def __init__(self, settings: Settings, models: Sequence[ServedModel], also: Settings) -> None:
        """`settings` have TorchServe's addresses; `also`: those of the front, or the same."""
        management = ManagementClient(settings.management.url)
        self._models = [
            ModelDrain(model.path, management, partial(DeepCheck, model.check_url(settings.inference)))
            for model in models
        ]
        self._ports = frozenset(
            port for each in (settings, also) for port in (each.inference.port, each.grpc_inference.port)
        )
        self._busy_s = time.monotonic()

    def is_over(self) -> bool:
        """Look once: whether nothing was queued, at work or on its way for QUIET_S seconds, or only what is newer."""
        if self._is_busy():
            self._busy_s = time.monotonic()
        now_s = time.monotonic()
        return now_s - self._busy_s >= QUIET_S or all(model.is_past(now_s) for model in self._models)

    def _is_busy(self) -> bool:
        try:
            busy = [model.is_busy(time.monotonic) for model in self._models]
            return any(busy) or bytes_under_way(self._ports, TABLES) > 0
        except ServerUnreachable:  # it no longer listens, or not yet: it has nothing to answer
            return False
        except (BerthError, OSError):  # it has no time to say how it is, or no descriptor or thread is left to ask
            return True


class ModelDrain:
    """Looks at one model that is to stop: its queue, its workers, and the known text behind its last request."""

    def __init__(
        self,
        name: str,
        management: ManagementClient,
        send: Callable[[], DeepCheck],
        look_at: Callable[[int | None], Activity | None] = look_at,
    ) -> None:
        """`send` sends a known text; `look_at` says what the process of a pid does."""
        self._name = name
        self._management = management
        self._send = send
        self._look_at = look_at
        self._check: DeepCheck | None = None
        self._answered_s: float | None = None
        self._num_workers = 0
        self._former: dict[str, Activity] = {}

    def is_busy(self, clock: Callable[[], float]) -> bool:
        """Look once: whether somebody waits whom a worker may still answer."""
        try:
            state = self._management.describe(self._name)
        except RequestFailed as error:
            if error.code == HTTPStatus.NOT_FOUND:  # it never had this model
                return False
            raise
        living = [(worker, self._look_at(worker.pid)) for worker in state.workers]
        loading = [worker for worker, _ in living if not worker.is_ready]  # without a request, but one may wait for it
        ready = {worker.id: activity for worker, activity in living if worker.is_ready and activity}
        at_work = [now != self._former.get(name) or not now.is_waiting for name, now in ready.items()]
        self._former, self._num_workers = ready, len(state.workers)
        if ready and not self._is_answered(clock):
            return True
        return any(at_work) or (state.pending_requests > 0 and bool(loading or ready))

    def is_past(self, now_s: float) -> bool:
        """Whether all that was accepted before the known text is surely answered: one worker takes them in turn."""
        is_late = self._answered_s is not None and now_s - self._answered_s >= LATE_S
        return is_late and self._num_workers == 1

    def _is_answered(self, clock: Callable[[], float]) -> bool:
        """Whether the known text is back; where the queue had no place for it, it is sent again."""
        outcome = self._check and self._check.outcome
        if self._check is None or (outcome and outcome.verdict is Verdict.NONE):
            self._check = self._send()
            return False
        if outcome and self._answered_s is None:
            self._answered_s = clock()
        return outcome is not None


def bytes_under_way(ports: frozenset[int], tables: Iterable[Path]) -> int:
    """Count what lies in sockets: requests that nobody has read yet, and answers that clients have not taken."""
    total = 0
    for table in tables:
        for row in table.read_text(encoding="ascii").splitlines()[1:] if table.is_file() else ():
            _, local, _, _, queues, *_ = row.split()
            if int(local.rpartition(":")[2], 16) in ports:
                total += sum(int(queue, 16) for queue in queues.split(":"))
    return total
