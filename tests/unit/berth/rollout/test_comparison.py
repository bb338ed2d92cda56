"""Where two versions' answers differ, for the results of every kind of task."""

from typing import Any

import pytest

from berth.rollout.comparison import compare
from berth.rollout.golden import Answered

A, B = {"label": "A", "score": 0.75}, {"label": "B", "score": 0.25}


def answered(*results: Any, ms: float = 1.0) -> Answered:
    return Answered(results=results, ms=(ms,) * len(results))


@pytest.mark.parametrize(
    ("was", "now", "flips", "difference"),
    [
        pytest.param(A, {"label": "A", "score": 0.5}, 0, 0.25, id="one label"),
        pytest.param(A, B, 1, 0.0, id="another label, whose score says nothing"),
        pytest.param([A, B], [{**B, "score": 0.5}, {**A, "score": 0.25}], 1, 0.5, id="ranked labels"),
        pytest.param([A, B], [A, {**B, "score": 0.125}], 0, 0.125, id="the second label"),
        pytest.param([1.0, 2.0], [1.0, 2.5], 0, 0.5, id="a vector"),
        pytest.param({"answer": "Rome", "score": 0.5}, {"answer": "Paris", "score": 0.5}, 1, 0.0, id="an answer"),
        pytest.param({"boat": 0.5, "ship": 2.0}, {"boat": 0.5, "sea": 1.5, "ship": 2.5}, 0, 1.5, id="a sparse vector"),
        pytest.param({"boat": 1.0}, {"boat": 1.0, "sea": 1.5}, 1, 1.5, id="another heaviest word"),
        pytest.param([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 4.25]], 0, 0.25, id="a vector for each token"),
        pytest.param(
            {"dense": [1.0], "sparse": {"boat": 1.0}}, {"dense": [1.5], "sparse": {"sea": 1.0}}, 1, 1.0, id="several"
        ),
        pytest.param(
            {"labels": ["x", "y"], "scores": [0.75, 0.25]},
            {"labels": ["y", "x"], "scores": [0.5, 0.5]},
            1,
            0.25,
            id="zero-shot",
        ),
        pytest.param(
            [{"entity": "PER", "score": 0.5}],
            [{"entity": "PER", "score": 0.5}, {"entity": "LOC", "score": 0.5}],
            1,
            0.0,
            id="one entity more",
        ),
    ],
)
def test_what_differs(was: Any, now: Any, flips: int, difference: float) -> None:
    compared = compare(answered(was), answered(now))
    assert (compared.flips, compared.largest_difference) == (flips, difference)


def test_what_only_the_old_version_answers_is_a_flip_and_a_refusal() -> None:
    compared = compare(answered(A, A, None), answered(A, None, None, ms=3.0))
    assert (compared.inputs, compared.flips, compared.refused, compared.refused_by_both) == (3, 1, 1, 1)
    assert (compared.old_ms, compared.new_ms) == (1.0, 3.0)
    assert (
        str(compared)
        == "3 inputs: 1 flip (33.3 %), 1 refused by both, scores differ by at most 0, 3.0 ms against 1.0 ms"
    )
