"""Every task on every architecture equals transformers; docs/equality.md is made of the same cells."""

from pathlib import Path

import pytest

from handler.config import Task
from handler.engine.model import Engine
from tests.support.checkpoints import ARCHITECTURES, TASKS_OF
from tests.support.equality.cells import measure_cell
from tests.support.equality.compare import largest_difference

TOLERANCE = 1e-4  # scores within 1e-4; labels, offsets and shapes equal
CELLS = [(architecture, task) for architecture in ARCHITECTURES for task in TASKS_OF[architecture]]


@pytest.mark.parametrize(("architecture", "task"), CELLS)
def test_equals_transformers(tmp_path: Path, architecture: str, task: Task) -> None:
    cell = measure_cell(tmp_path, architecture, task)
    assert cell.difference < TOLERANCE
    assert cell.engine is Engine.PACKED


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": 1.0}, {"b": 1.0}),
        ({"a": 1.0}, [1.0]),
        ([1.0], [1.0, 2.0]),
        ([{"start": 1}], [{"start": 2}]),
        ([1], [1.0]),
        ("x", "y"),
    ],
)
def test_a_difference_of_more_than_a_number_is_no_small_difference(value: object, expected: object) -> None:
    with pytest.raises(AssertionError):
        largest_difference(value, expected)


def test_numbers_are_compared_wherever_they_are() -> None:
    assert largest_difference([{"a": [0.5, 0.25]}, {}], [{"a": [0.5, 0.5]}, {}]) == 0.25
