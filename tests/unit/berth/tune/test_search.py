"""The search for the highest rate in time, on servers that are given."""

import math

import pytest

from berth.tune.search import Step, best_of, find_peak

TARGET_MS = 50.0


class Given:
    """A server that is in time up to a rate, but for the measurements whose numbers are `unlucky`."""

    def __init__(self, limit: float, unlucky: tuple[int, ...] = ()) -> None:
        self._limit = limit
        self._unlucky = unlucky
        self.rates: list[float] = []

    def measure(self, rate: float) -> Step:
        self.rates.append(rate)
        late = rate > self._limit or len(self.rates) in self._unlucky
        return Step(rate=rate, p50_ms=5.0, p99_ms=80.0 if late else 20.0, num_errors=0)


@pytest.mark.parametrize("limit", [3.0, 120.0, 333.0, 399.0])
def test_the_highest_rate_in_time_is_found_as_near_as_the_steps_allow(limit: float) -> None:
    best = best_of(find_peak(Given(limit).measure, 0.0, 400.0, TARGET_MS, 8), TARGET_MS)
    assert best is not None
    assert limit - 400 / 2**8 <= best.rate <= limit


def test_a_rate_that_fails_once_is_tried_again() -> None:
    given = Given(limit=300.0, unlucky=(1,))
    steps = find_peak(given.measure, 0.0, 400.0, TARGET_MS, 2)
    assert given.rates == [200.0, 200.0, 300.0]
    assert [step.meets(TARGET_MS) for step in steps] == [True, True]


def test_nothing_is_best_where_no_rate_was_in_time() -> None:
    given = Given(limit=0.0)
    assert best_of(find_peak(given.measure, 0.0, 400.0, TARGET_MS, 3), TARGET_MS) is None
    assert given.rates == [200.0, 200.0, 100.0, 100.0, 50.0, 50.0]


def test_percentiles_of_a_step() -> None:
    step = Step.of(10.0, [number / 1000 for number in range(101)], 0)
    assert [step.p50_ms, step.p99_ms] == pytest.approx([50.0, 99.0])
    assert step.meets(99.1)
    assert not step.meets(98.9)


def test_an_error_is_never_in_time() -> None:
    assert not Step.of(10.0, [0.001] * 200, 1).meets(TARGET_MS)
    assert Step.of(10.0, [], 3).p99_ms == math.inf
