"""A load against pods that somebody adds and removes: an event for each arrival, a decision every 15 seconds. Pure."""

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..stats import percentile
from .autoscaler import SYNC_S
from .pod import Pod, ServiceTime

WINDOW_S = 60.0  # whose p95 is held against the target


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What is known of the pods when a decision is made; None for a pod that is not ready."""

    in_flight: Sequence[float | None]
    busy_share: Sequence[float | None]
    """Of the time since the last reading: CPU over its limit."""
    num_asked: int
    """Requests that came since the last reading, whether or not a pod took them."""


class Controller(Protocol):
    """Who says how many pods there are."""

    @property
    def first_pods(self) -> int:
        """How many there are at first."""

    def decide(self, now_s: float, reading: Reading) -> int:
        """How many there shall be from now on."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of a load."""

    num_requests: int = 0
    num_refused: int = 0
    windows: dict[int, list[float]] = field(default_factory=dict)
    """Latencies in seconds by the minute of arrival; infinite where a request was refused."""
    in_flight: list[int] = field(default_factory=list)
    """Requests under way, at each decision."""
    most_pods: int = 0
    pod_seconds: float = 0.0
    """From when a pod was asked for until it was gone."""

    def note(self, arrived_s: float, latency_s: float) -> None:
        """Keep a request's latency."""
        self.windows.setdefault(int(arrived_s // WINDOW_S), []).append(latency_s)

    def minutes_over(self, target_s: float) -> int:
        """Minutes whose p95 is over the target."""
        return sum(percentile(latencies, 95) > target_s for latencies in self.windows.values())


@dataclass(slots=True, kw_only=True)
class Cluster:
    """Pods, and the requests that a load balancer gives them by chance."""

    service: ServiceTime
    controller: Controller
    start_s: float
    """From a pod's order until it is ready."""
    outcome: Outcome = field(default_factory=Outcome)
    _pods: list[Pod] = field(default_factory=list)
    _leaving: list[Pod] = field(default_factory=list)
    _ready: list[Pod] = field(default_factory=list)
    _changes_s: float = 0.0
    """Until when _ready holds."""
    _sync_s: float = 0.0
    _busy_s: dict[int, float] = field(default_factory=dict)
    _num_asked: int = 0
    _chooser: random.Random = field(default_factory=lambda: random.Random(1))

    def run(self, arrivals: Iterable[float], duration_s: float) -> Outcome:
        """Give it a load, and wait until the last request is answered."""
        self._pods = [Pod(service=self.service) for _ in range(self.controller.first_pods)]
        for at_s in arrivals:
            self._pass_time(at_s)
            self._ask(at_s)
        self._pass_time(duration_s)
        for pod in (*self._pods, *self._leaving):
            pod.advance(math.inf)
            self._collect(pod)
        return self.outcome

    def _ask(self, at_s: float) -> None:
        self._num_asked += 1
        self.outcome.num_requests += 1
        if not (self._ready and self._chooser.choice(self._ready).offer(at_s)):
            self.outcome.num_refused += 1
            self.outcome.note(at_s, math.inf)

    def _pass_time(self, at_s: float) -> None:
        while at_s >= self._sync_s:
            self._decide(self._sync_s)
            self._sync_s += SYNC_S
            self._changes_s = 0.0
        if at_s >= self._changes_s:
            self._ready = [pod for pod in self._pods if pod.ready_s <= at_s]
            self._changes_s = min([pod.ready_s for pod in self._pods if pod.ready_s > at_s], default=math.inf)

    def _decide(self, now_s: float) -> None:
        for pod in (*self._pods, *self._leaving):
            pod.advance(now_s)
            self._collect(pod)
        self._leaving = [pod for pod in self._leaving if pod.in_flight]
        wanted = self.controller.decide(now_s, self._read(now_s))
        self._resize(now_s, wanted)
        present = len(self._pods) + len(self._leaving)
        self.outcome.most_pods = max(self.outcome.most_pods, present)
        self.outcome.pod_seconds += present * SYNC_S

    def _resize(self, now_s: float, wanted: int) -> None:
        more = range(wanted - len(self._pods))
        self._pods += [Pod(service=self.service, ready_s=now_s + self.start_s) for _ in more]
        self._leaving += self._pods[wanted:]
        del self._pods[wanted:]

    def _read(self, now_s: float) -> Reading:
        asked, self._num_asked = self._num_asked, 0
        former, self._busy_s = self._busy_s, {id(pod): pod.busy_until(now_s) for pod in self._pods}
        ready = [pod if pod.ready_s <= now_s else None for pod in self._pods]
        self.outcome.in_flight.append(sum(pod.in_flight for pod in self._pods))
        return Reading(
            in_flight=[pod.in_flight if pod else None for pod in ready],
            busy_share=[(self._busy_s[id(pod)] - former.get(id(pod), 0.0)) / SYNC_S if pod else None for pod in ready],
            num_asked=asked,
        )

    def _collect(self, pod: Pod) -> None:
        for arrived_s, latency_s in pod.answered:
            self.outcome.note(arrived_s, latency_s)
        pod.answered.clear()
