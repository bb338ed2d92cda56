"""How many requests a second a server answers in time: rates are tried and halved towards the answer. Pure."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What became of requests that were sent at one rate."""

    rate: float
    """Requests/s that were sent."""
    p50_ms: float
    p99_ms: float
    """Both from the moment when a request was due; infinite where none was answered."""
    num_errors: int
    """Requests that got no 200."""

    @classmethod
    def of(cls, rate: float, latencies_s: Sequence[float], num_errors: int) -> Self:
        """Sum up the latencies of the requests that were answered well."""
        cuts = statistics.quantiles(latencies_s, n=100, method="inclusive") if len(latencies_s) > 1 else [math.inf] * 99
        return cls(rate=rate, p50_ms=cuts[49] * 1000, p99_ms=cuts[98] * 1000, num_errors=num_errors)

    def meets(self, p99_ms: float) -> bool:
        """Whether all were answered, 99 of 100 within `p99_ms`."""
        return not self.num_errors and self.p99_ms <= p99_ms


def find_peak(
    measure: Callable[[float], Step], lowest: float, highest: float, p99_ms: float, num_steps: int
) -> list[Step]:
    """Halve the range of rates `num_steps` times, towards the highest that still meets the target.

    A rate that fails is tried once more, and the better of both counts: a neighbour's moment shall not decide.
    """
    steps: list[Step] = []
    for _ in range(num_steps):
        rate = (lowest + highest) / 2
        step = measure(rate)
        if not step.meets(p99_ms):
            step = min(step, measure(rate), key=lambda each: (each.num_errors > 0, each.p99_ms))
        steps.append(step)
        lowest, highest = (rate, highest) if step.meets(p99_ms) else (lowest, rate)
    return steps


def best_of(steps: Sequence[Step], p99_ms: float) -> Step | None:
    """The highest rate that met the target; None where none did."""
    return max((step for step in steps if step.meets(p99_ms)), key=lambda step: step.rate, default=None)
