"""How far two answers are apart, task by task, with values by hand."""

import math
from typing import Any

import pytest

from berth.pack.precision.bounds import describe, is_within, measure, with_kept
from handler.config import Task
from handler.precision import Precision

CLASSIFIED = [{"label": "good", "score": 0.7}, {"label": "bad", "score": 0.3}]
ENTITY = {"entity_group": "PER", "score": 0.9, "word": "ada", "start": 0, "end": 3}
ANSWER = {"score": 0.8, "start": 0, "end": 3, "answer": "Ada"}
MASKS = [
    [{"score": 0.5, "token": 7, "token_str": "a", "sequence": "a b"}],
    [{"score": 0.4, "token": 8, "token_str": "b", "sequence": "a b"}],
]
ZERO_SHOT = {"sequence": "x", "labels": ["ships", "weather"], "scores": [0.6, 0.4]}


def test_vectors_are_measured_by_their_angle() -> None:
    assert measure(Task.EMBEDDINGS, [[1.0, 0.0], [1.0, 1.0]], [[2.0, 0.0], [1.0, 0.0]]) == pytest.approx(math.sqrt(0.5))
    assert measure(Task.EMBEDDINGS, [[0.0, 0.0]], [[0.0, 0.0]]) == 1.0


@pytest.mark.parametrize(
    ("task", "exact", "fast", "expected"),
    [
        (Task.TEXT_CLASSIFICATION, CLASSIFIED[0], {"label": "good", "score": 0.69}, 0.01),
        (Task.TEXT_CLASSIFICATION, CLASSIFIED[0], CLASSIFIED[1], math.inf),
        (Task.TEXT_CLASSIFICATION, CLASSIFIED, [{"label": "good", "score": 0.68}, CLASSIFIED[1]], 0.02),
        (Task.TEXT_CLASSIFICATION, CLASSIFIED, CLASSIFIED[::-1], math.inf),
        (Task.TOKEN_CLASSIFICATION, [ENTITY], [ENTITY | {"score": 0.88}], 0.02),
        (Task.TOKEN_CLASSIFICATION, [ENTITY], [], math.inf),
        (Task.TOKEN_CLASSIFICATION, [ENTITY], [ENTITY | {"end": 4}], math.inf),
        (Task.TOKEN_CLASSIFICATION, [], [], 0.0),
        (Task.QUESTION_ANSWERING, ANSWER, ANSWER | {"score": 0.7}, 0.1),
        (Task.QUESTION_ANSWERING, ANSWER, ANSWER | {"start": 1}, math.inf),
        (Task.FILL_MASK, MASKS, [[MASKS[0][0] | {"score": 0.45}], MASKS[1]], 0.05),
        (Task.FILL_MASK, MASKS, MASKS[::-1], math.inf),
        (Task.ZERO_SHOT_CLASSIFICATION, ZERO_SHOT, ZERO_SHOT | {"scores": [0.5, 0.4]}, 0.1),
        (Task.ZERO_SHOT_CLASSIFICATION, ZERO_SHOT, ZERO_SHOT | {"labels": ["weather", "ships"]}, math.inf),
        (Task.TEXT_RANKING, [{"index": 1, "score": 10.0}], [{"index": 1, "score": 10.1}], 0.01),
        (Task.TEXT_RANKING, [{"index": 1, "score": 0.5}], [{"index": 0, "score": 0.5}], math.inf),
    ],
)
def test_scores_and_labels(task: Task, exact: Any, fast: Any, expected: float) -> None:
    assert measure(task, [exact], [fast]) == pytest.approx(expected)


def test_bounds() -> None:
    assert is_within(Task.EMBEDDINGS, Precision.INT8, 0.99)
    assert not is_within(Task.EMBEDDINGS, Precision.BF16, 0.99)
    assert is_within(Task.TEXT_CLASSIFICATION, Precision.INT8, 0.02)
    assert not is_within(Task.TEXT_CLASSIFICATION, Precision.BF16, 0.021)
    assert describe(Task.EMBEDDINGS, 0.99579) == "least cosine 0.99579"
    assert describe(Task.TEXT_RANKING, 0.004) == "scores within 0.0040"
    assert describe(Task.TEXT_RANKING, math.inf) == "another label"
    assert (with_kept(()), with_kept((3,))) == ("", " with layer 3 in fp32")
    assert with_kept((0, 1, 5)) == " with layers 0, 1 and 5 in fp32"
