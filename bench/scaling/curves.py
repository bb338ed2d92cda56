"""Loads: how many requests a second come when, and their arrivals as a Poisson process's, seeded."""

import bisect
import csv
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

RECORDED = Path(__file__).with_name("recorded.csv")
"""What a load balancer of AWS counted in each five minutes of 2014-04-10: the first day of
realAWSCloudwatch/elb_request_count_8c0756.csv of the Numenta Anomaly Benchmark, github.com/numenta/NAB at 63ec7c2700e9,
Copyright 2014-2024 Numenta Inc., MIT license. The five minutes from 11:34 are missing there too."""
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


def recorded(high: float) -> Curve:
    """The 24 hours of RECORDED, a rate for each count; the fullest has `high` requests/s."""
    with RECORDED.open(encoding="ascii", newline="") as file:
        rows = [(float(row["minute"]) * MINUTE_S, float(row["requests"])) for row in csv.DictReader(file)]
    begins, scale = [at_s for at_s, _ in rows], high / max(count for _, count in rows)
    return Curve(
        name=f"recorded: a day of a load balancer's counts, its fullest five minutes {high:g} requests/s",
        duration_s=24 * HOUR_S,
        rate=lambda at_s: rows[bisect.bisect_right(begins, at_s) - 1][1] * scale,
        peak_rps=high,
    )
