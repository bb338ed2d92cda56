"""Every task on every architecture equals transformers; docs/equality.md is made of the same cells."""

from collections.abc import Callable
from pathlib import Path

import pytest

from berth.convert.convert import converted
from berth.pack.precision.bounds import LEAST_COSINES
from berth.pack.precision.choose import NO_LAYERS, Tried
from berth.progress import Silence
from handler.config import Task
from handler.engine.model import Engine
from handler.known_answers import TOLERANCES
from handler.precision import Precision
from tests.support.checkpoints import ARCHITECTURES, TASKS_OF
from tests.support.checkpoints.bge_m3 import make_bge_m3
from tests.support.checkpoints.late import make_pylate
from tests.support.checkpoints.sentence_transformers import make_sparse_encoder
from tests.support.checkpoints.static import make_static
from tests.support.equality.cells import make_cell, measure_cell
from tests.support.equality.compare import largest_difference
from tests.support.equality.precisions import Faster, FasterCell, in_words, served

TOLERANCE = 1e-4  # scores within 1e-4; labels, offsets and shapes equal
CELLS = [(architecture, task) for architecture in ARCHITECTURES for task in TASKS_OF[architecture]]


@pytest.mark.parametrize(("architecture", "task"), CELLS)
def test_equals_transformers(tmp_path: Path, architecture: str, task: Task) -> None:
    cell = measure_cell(tmp_path, architecture, task)
    assert cell.difference < TOLERANCE
    assert cell.engine is Engine.PACKED


def test_faster_precisions_are_others_and_pack_decides_on_them(tmp_path: Path) -> None:
    make_cell(tmp_path, "bert", Task.EMBEDDINGS)
    found = FasterCell(tmp_path, Task.EMBEDDINGS).measure()
    assert [each.tried.precision for each in found] == [Precision.BF16, Precision.INT8]
    for each in found:
        assert each.distance is not None
        assert TOLERANCE < each.distance <= TOLERANCES[each.tried.precision]
        assert each.tried.measured is not None
        assert each.tried.is_proven == (each.tried.measured >= LEAST_COSINES[each.tried.precision])


@pytest.mark.parametrize(
    ("make", "precisions"),
    [
        (make_sparse_encoder, {Precision.BF16, Precision.INT8}),
        (make_bge_m3, {Precision.BF16, Precision.INT8}),
        (make_pylate, {Precision.BF16, Precision.INT8}),
        (make_static, {Precision.BF16}),  # there is no product that int8 would be for
    ],
)
def test_other_vectors_in_faster_precisions(
    tmp_path: Path, make: Callable[[Path], Path], precisions: set[Precision]
) -> None:
    """Within pack's bounds of fp32, and within a worker's tolerance of plain transformers."""
    with converted(make(tmp_path / "model"), Silence()) as ready:
        found = FasterCell(ready.folder, Task.EMBEDDINGS).measure()
    assert {each.tried.precision for each in found if each.tried.is_proven} == precisions
    for each in found:
        if each.tried.precision in precisions:
            assert each.distance is not None
            assert each.tried.measured is not None
            assert 0 < each.distance <= TOLERANCES[each.tried.precision]
            assert LEAST_COSINES[each.tried.precision] <= each.tried.measured < 1
        else:
            assert (each.distance, each.tried.measured) == (None, None)
            assert in_words(Task.EMBEDDINGS, each) == f"int8 is never used on a CPU: {NO_LAYERS}"


@pytest.mark.parametrize(
    ("proven", "expected"),
    [
        ({Precision.BF16, Precision.INT8}, Precision.INT8),
        ({Precision.INT8}, Precision.INT8),
        ({Precision.BF16}, Precision.FP32),
        (set[Precision](), Precision.FP32),
    ],
)
def test_what_is_not_proven_is_not_served(proven: set[Precision], expected: Precision) -> None:
    tried = [
        Tried(precision=each, measured=0.995, is_proven=each in proven, found="", note="")
        for each in (Precision.BF16, Precision.INT8)
    ]
    assert served(Task.EMBEDDINGS, [Faster(distance=0.01, tried=each) for each in tried]) is expected


@pytest.mark.parametrize(
    ("kept", "is_proven", "expected"),
    [((), True, "1e-02; 0.0134"), ((0, 2), False, "1e-02; 0.0134 with layers 0 and 2 in fp32: no")],
)
def test_both_distances_stand_in_a_column(kept: tuple[int, ...], is_proven: bool, expected: str) -> None:
    tried = Tried(precision=Precision.INT8, kept=kept, measured=0.0134, is_proven=is_proven, found="", note="")
    assert in_words(Task.TEXT_CLASSIFICATION, Faster(distance=0.01, tried=tried)) == expected


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
