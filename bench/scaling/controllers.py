"""Who says how many pods there are: nobody, an autoscaler on a metric of the pods, KEDA down to none."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .autoscaler import SYNC_S, Autoscaler, Settings
from .cluster import Reading


@dataclass(slots=True, kw_only=True)
class Fixed:
    """As many as the overlay says."""

    first_pods: int

    def decide(self, now_s: float, reading: Reading) -> int:
        """The same."""
        return self.first_pods


@dataclass(slots=True, kw_only=True)
class Following:
    """An autoscaler, which sees a metric as it was some readings ago."""

    settings: Settings
    metric: Callable[[Reading], Sequence[float | None]]
    late_s: float = SYNC_S
    """How old a metric is when it is seen, in whole syncs."""
    _autoscaler: Autoscaler = field(init=False)
    _seen: deque[Sequence[float | None]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._autoscaler = Autoscaler(settings=self.settings)

    @property
    def first_pods(self) -> int:
        """Those that there are at the least."""
        return self.settings.min_pods

    def decide(self, now_s: float, reading: Reading) -> int:
        """What the autoscaler makes of it; a pod that was not there when the metric was taken has none."""
        pods = len(reading.in_flight)
        self._seen.append(self.metric(reading))
        seen = self._seen.popleft() if len(self._seen) > self.late_s / SYNC_S else self._seen[0]
        return self._autoscaler.decide(now_s, [*seen, *[None] * pods][:pods])


@dataclass(slots=True, kw_only=True)
class ToNone:
    """KEDA: none after a quiet time; the first again when what counts requests before the pods has seen one."""

    following: Following
    cooldown_s: float
    seen_after_s: float
    """How long after a request the load balancer's count of it can be asked for."""
    first_pods: int = 0
    _asked_s: deque[float] = field(default_factory=deque)
    _last_s: float = float("-inf")

    def decide(self, now_s: float, reading: Reading) -> int:
        """None, or what the autoscaler says, of at least one."""
        if reading.num_asked:
            self._asked_s.append(now_s)
        while self._asked_s and self._asked_s[0] <= now_s - self.seen_after_s:
            self._last_s = self._asked_s.popleft()
        if now_s - self.seen_after_s - self._last_s > self.cooldown_s:
            return 0
        return self.following.decide(now_s, reading) if reading.in_flight else 1
