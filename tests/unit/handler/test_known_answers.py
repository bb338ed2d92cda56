"""The known answers: what counts as the same answer."""

import json
import math
from pathlib import Path

import pytest

from handler.config import Task
from handler.errors import SelfTestError
from handler.known_answers import difference, load_known_answers
from handler.payload import Prediction
from handler.tasks import TASKS


def test_embeddings_are_compared_by_distance() -> None:
    assert difference([1.0, 0.0], [1.0, 0.0]) == 0
    assert difference([0.0, 1.0], [1.0, 0.0]) == pytest.approx(math.sqrt(2))
    assert difference([0.0, 90.0], [0.0, 100.0]) == pytest.approx(0.1)  # long vectors: relative to their length


@pytest.mark.parametrize("value", [[1.0], "text", None, [math.nan, 0.0]])
def test_another_shape_or_nan_is_never_the_same(value: object) -> None:
    assert difference(value, [1.0, 0.0]) == math.inf


def test_known_answers_must_match_their_inputs(tmp_path: Path) -> None:
    path = tmp_path / "known_answers.json"
    path.write_text(json.dumps({"inputs": ["a", "b"], "parameters": {}, "answers": [[1.0]]}))
    with pytest.raises(SelfTestError, match="2 inputs and 1 answers"):
        load_known_answers(path, TASKS[Task.EMBEDDINGS])


def test_answers_behind_every_prompt_are_compared(tmp_path: Path) -> None:
    path = tmp_path / "known_answers.json"
    document = {"inputs": ["a"], "parameters": {}, "answers": [[1.0, 0.0]], "prompted": {"query": [[0.0, 1.0]]}}
    path.write_text(json.dumps(document))
    known = load_known_answers(path, TASKS[Task.EMBEDDINGS])
    document_like = [Prediction(value=[1.0, 0.0], num_tokens=1, is_truncated=False)]
    query_like = [Prediction(value=[0.0, 1.0], num_tokens=1, is_truncated=False)]
    assert known.worst_difference([document_like, query_like]) == 0
    assert known.worst_difference([document_like, document_like]) == pytest.approx(math.sqrt(2))
