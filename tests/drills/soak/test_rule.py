"""The rule of a soak: what it calls flat, and what it does not."""

import pytest

from .rule import MEMORY, thirds

WARM_UP = [100.0, 150.0, 190.0, 200.0]
NOISE = [200.0, 203.0, 198.0, 201.0] * 4


def test_the_warm_up_does_not_count() -> None:
    assert MEMORY.is_flat(WARM_UP + NOISE)
    first, _ = thirds(WARM_UP + NOISE)
    assert first >= 198


def test_what_fills_up_more_and_more_slowly_is_flat_in_the_end_and_what_leaks_is_not() -> None:
    filling = [1400.0, 1470.0, 1504.0, 1526.0, 1550.0, 1567.0]  # workers without a trimmed heap, six minutes
    leaking = [1400.0 + 40.0 * minute for minute in range(6)]
    assert [MEMORY.is_flat(filling), MEMORY.is_flat(leaking)] == [True, False]


@pytest.mark.parametrize("a_minute", [2.0, 5.0])
def test_what_grows_minute_by_minute_is_found(a_minute: float) -> None:
    assert not MEMORY.is_flat([value + a_minute * minute for minute, value in enumerate(WARM_UP + NOISE)])


def test_what_shrinks_or_grows_by_a_little_is_flat() -> None:
    assert MEMORY.is_flat([value - minute for minute, value in enumerate(NOISE)])
    assert MEMORY.is_flat([value + minute / 4 for minute, value in enumerate(NOISE)])
