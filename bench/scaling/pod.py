"""One pod: a queue, batches of what waits, and the front's refusals. Pure: times are seconds of the simulation."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from berth.front.admission import MAX_WAITING, PATIENCE_MS, SPARE

MAX_BATCH = 64  # batch_size of model-config.yaml
QUEUE = 128  # job_queue_size on a CPU


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTime:
    """How long a worker takes for a batch: something once, and something for each request."""

    once_s: float
    each_s: float
    max_batch: int = MAX_BATCH

    @classmethod
    def fit(cls, lone_s: float, clients: int, rps: float) -> Self:
        """Fit a lone client's latency and a closed loop's requests/s, whose batches hold all of its clients."""
        each_s = max(clients / rps - lone_s, 0.0) / (clients - 1)
        return cls(once_s=max(lone_s - each_s, 0.0), each_s=each_s)

    def seconds(self, requests: int) -> float:
        """The time of a batch."""
        return self.once_s + requests * self.each_s

    @property
    def capacity_rps(self) -> float:
        """Requests/s in full batches."""
        return self.max_batch / self.seconds(self.max_batch)


@dataclass(slots=True, kw_only=True)
class Pod:
    """A pod with one worker."""

    service: ServiceTime
    ready_s: float = 0.0
    """When it takes requests."""
    busy_s: float = 0.0
    """How long its worker has computed, or will have at the end of its batch."""
    answered: list[tuple[float, float]] = field(default_factory=list)
    """(arrival, latency) of each request that was answered."""
    _waiting: deque[float] = field(default_factory=deque)
    _batch: Sequence[float] = ()
    _ends_s: float = 0.0

    @property
    def in_flight(self) -> int:
        """Requests that are under way: berth_front_under_way."""
        return len(self._waiting) + len(self._batch)

    def busy_until(self, now_s: float) -> float:
        """Seconds of computing before `now_s`, to which the pod has advanced."""
        return self.busy_s - (max(self._ends_s - now_s, 0.0) if self._batch else 0.0)

    def offer(self, at_s: float) -> bool:
        """Give it a request; False where the front refuses it."""
        self.advance(at_s)
        share = self.in_flight + 1
        wait_s = SPARE * share / self.service.capacity_rps
        if share > 1 and (wait_s > PATIENCE_MS / 1000 or share > QUEUE + MAX_WAITING):
            return False
        self._waiting.append(at_s)
        if not self._batch:
            self._begin(at_s)
        return True

    def advance(self, until_s: float) -> None:
        """Answer everything that is done by then."""
        while self._batch and self._ends_s <= until_s:
            self.answered.extend((arrived_s, self._ends_s - arrived_s) for arrived_s in self._batch)
            self._begin(self._ends_s)

    def _begin(self, at_s: float) -> None:
        count = min(len(self._waiting), self.service.max_batch)
        self._batch = [self._waiting.popleft() for _ in range(count)]
        if count:
            self._ends_s = at_s + self.service.seconds(count)
            self.busy_s += self.service.seconds(count)
