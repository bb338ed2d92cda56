"""Loads: how many requests a second come when, and their arrivals as a Poisson process's, seeded. Pure."""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MINUTE_S, HOUR_S = 60.0, 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A load's rate over time."""

    name: str
    duration_s: float
    rate: Callable[[float], float]
    """Requests/s at a time."""
    peak_rps: float

    def arrivals(self, seed: int) -> Iterator[float]:
        """Times in order: a process at the peak's rate of which each is kept with the rate's share of the peak."""
        chooser, at_s = random.Random(seed), 0.0
        while (at_s := at_s + chooser.expovariate(self.peak_rps)) < self.duration_s:
            if chooser.random() * self.peak_rps < self.rate(at_s):
                yield at_s


def step(low: float, high: float, minutes: tuple[float, float, float] = (10, 30, 20)) -> Curve:
    """`low`, then `high`, then `low` again, requests/s."""
    begins, ends = minutes[0] * MINUTE_S, (minutes[0] + minutes[1]) * MINUTE_S
    lasting = ", ".join(f"{each:g}" for each in minutes)
    return Curve(
        name=f"step: {low:g}, {high:g} and {low:g} requests/s for {lasting} min",
        duration_s=sum(minutes) * MINUTE_S,
        rate=lambda at_s: high if begins <= at_s < ends else low,
        peak_rps=high,
    )


def spike(low: float, high: float, lasts_s: float = 60.0) -> Curve:
    """`low`, and `high` for a moment of each of two half hours, requests/s."""
    return Curve(
        name=f"spike: {low:g} requests/s for an hour, twice {high:g} for {lasts_s:g} s",
        duration_s=HOUR_S,
        rate=lambda at_s: high if 600.0 <= at_s % 1800.0 < 600.0 + lasts_s else low,
        peak_rps=high,
    )


def day(low: float, high: float) -> Curve:
    """24 hours from midnight: `low` at 3 in the morning, `high` at 15, a cosine between, requests/s."""
    return Curve(
        name=f"day: {low:g} requests/s at 3 in the morning, {high:g} at 15, a cosine between",
        duration_s=24 * HOUR_S,
        rate=lambda at_s: low + (high - low) * (1 - math.cos((at_s / HOUR_S - 3) * math.pi / 12)) / 2,
        peak_rps=high,
    )


def office(high: float) -> Curve:
    """24 hours from midnight: nobody but from 8 to 18, when `high` is reached at 13, requests/s."""
    return Curve(
        name=f"office: nobody but from 8 to 18, {high:g} requests/s at 13",
        duration_s=24 * HOUR_S,
        rate=lambda at_s: max(0.0, high * math.sin((at_s / HOUR_S - 8) * math.pi / 10)) if at_s < 18 * HOUR_S else 0.0,
        peak_rps=high,
    )
