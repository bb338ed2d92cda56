"""Two answers side by side: the same shape, labels and offsets, and how far their numbers are apart."""

from typing import Any


def largest_difference(value: Any, expected: Any, place: str = "$") -> float:
    """The largest difference between numbers that are no whole ones; AssertionError where anything else differs."""
    if isinstance(expected, dict):
        assert isinstance(value, dict), f"{place}: {value!r} is no object like {expected!r}"
        assert list(value) == list(expected), f"{place}: keys {list(value)}, expected {list(expected)}"
        return max((largest_difference(value[key], expected[key], f"{place}.{key}") for key in expected), default=0.0)
    if isinstance(expected, list):
        assert isinstance(value, list), f"{place}: {value!r} is no list like {expected!r}"
        assert len(value) == len(expected), f"{place}: {len(value)} items, expected {len(expected)}"
        pairs = enumerate(zip(value, expected, strict=True))
        return max((largest_difference(one, other, f"{place}[{index}]") for index, (one, other) in pairs), default=0.0)
    assert type(value) is type(expected), f"{place}: {value!r} is no {type(expected).__name__}"
    if isinstance(expected, float):
        return float(abs(value - expected))
    assert value == expected, f"{place}: {value!r}, expected {expected!r}"
    return 0.0
