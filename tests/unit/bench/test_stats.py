"""Statistics: values that were seen, and honest ends."""

import pytest

from bench.stats import Spread, percentile


@pytest.mark.parametrize(("percent", "expected"), [(0, 1.0), (50, 2.0), (75, 3.0), (76, 4.0), (100, 4.0)])
def test_percentile_is_a_value_that_was_seen(percent: float, expected: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], percent) == expected


def test_spread() -> None:
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(median=2.0, low=1.0, high=3.0)
    assert Spread.of([4.04, 4.4, 4.2]).to_text(2) == "4.20 (4.04..4.40)"
    with pytest.raises(ValueError, match="median"):
        Spread.of([])
