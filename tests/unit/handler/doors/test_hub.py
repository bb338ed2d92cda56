"""The address for InferenceClient: requests as it writes them, and other clients of the Hub's inference."""

import json
from typing import Any

import numpy as np
import pytest

from handler.config import Task
from handler.payload import Prediction, Request
from handler.tasks.embeddings import EmbeddingParameters
from handler.tasks.text_classification import ClassificationParameters
from handler.vectors.settings import Kind
from tests.support.calls import REST, ask, read, refused

HF = {**REST, "url_path": "hf"}


def write(body: object, task: Task, *values: Any) -> Any:
    predictions = [Prediction(value=value, num_tokens=3, is_truncated=False) for value in values]
    return json.loads(ask(body, HF, task).reply.format_predictions(predictions).body)


LABEL = {"label": "x", "score": 0.5}
ZERO_SHOT = {"sequence": "a", "labels": ["x", "y"], "scores": [0.75, 0.25]}
ZERO_SHOT_BODY = {"inputs": "a", "parameters": {"candidate_labels": ["x", "y"]}}
PAIRS = [{"label": "x", "score": 0.75}, {"label": "y", "score": 0.25}]
QUESTION = {"question": "a", "context": "b"}


@pytest.mark.parametrize(
    ("task", "body", "values", "expected"),
    [
        (Task.TEXT_CLASSIFICATION, {"inputs": "a"}, [[LABEL]], [[LABEL]]),
        (Task.TEXT_CLASSIFICATION, {"inputs": ["a", "b"]}, [[LABEL], [LABEL]], [[LABEL], [LABEL]]),
        (Task.ZERO_SHOT_CLASSIFICATION, ZERO_SHOT_BODY, [ZERO_SHOT], PAIRS),
        (Task.ZERO_SHOT_CLASSIFICATION, {**ZERO_SHOT_BODY, "inputs": ["a"]}, [ZERO_SHOT], [PAIRS]),
        (Task.QUESTION_ANSWERING, {"inputs": QUESTION}, [{"answer": "b"}], {"answer": "b"}),
        (Task.TOKEN_CLASSIFICATION, {"inputs": "a"}, [[{"word": "a"}]], [{"word": "a"}]),
        (Task.TOKEN_CLASSIFICATION, {"inputs": ["a"]}, [[{"word": "a"}]], [[{"word": "a"}]]),
        (Task.ZERO_SHOT_TOKEN_CLASSIFICATION, ZERO_SHOT_BODY, [[{"word": "a"}]], [{"word": "a"}]),
        (Task.EMBEDDINGS, {"inputs": "a"}, [np.array([0.5], np.float32)], [[0.5]]),
        (
            Task.EMBEDDINGS,
            {"inputs": {"source_sentence": "a", "sentences": ["b"]}, "parameters": {}},
            [[1.0, 0.0], [0.0, 1.0]],
            [0.0],
        ),
    ],
)
def test_answers_have_the_shape_that_the_client_reads(
    task: Task, body: object, values: list[Any], expected: Any
) -> None:
    assert write(body, task, *values) == expected


def test_all_labels_unless_some_are_asked_for() -> None:
    for said, top_k in (({}, None), ({"top_k": None}, None), ({"top_k": 2}, 2)):
        found = read({"inputs": "a", "parameters": said}, HF, Task.TEXT_CLASSIFICATION)
        assert found.parameters == ClassificationParameters(top_k=top_k)
    assert read({"inputs": "a"}, HF, Task.TEXT_CLASSIFICATION).parameters == ClassificationParameters(top_k=None)


def test_parameters_of_embeddings_stand_beside_the_inputs() -> None:
    expected = EmbeddingParameters(
        vectors=Kind.DENSE, normalize=False, truncation=False, prompt_name="query", dimensions=2
    )
    said = {"normalize": False, "truncate": False, "prompt_name": "query", "dimensions": 2}
    options = {"wait_for_model": True, "use_cache": True}  # langchain's HuggingFaceInferenceAPIEmbeddings sends them
    for body in (
        {"inputs": ["a"], **said},
        {"inputs": ["a"], **said, "options": options},
        {"inputs": ["a"], **said, "encoding_format": "float", "truncation_direction": "right", "options": None},
    ):
        assert read(body, HF).parameters == expected


@pytest.mark.parametrize(
    ("task", "body", "part"),
    [
        (Task.EMBEDDINGS, {"inputs": "a", "encoding_format": "base64"}, "reads numbers alone"),
        (Task.EMBEDDINGS, {"inputs": "a", "truncation_direction": "left"}, "send Right"),
        (Task.EMBEDDINGS, {"inputs": "a", "more": 1}, "unknown key 'more'"),
        (Task.EMBEDDINGS, {"inputs": "a", "parameters": {}}, "unknown parameter 'parameters'"),
        (Task.EMBEDDINGS, {}, "inputs is missing"),
        (Task.EMBEDDINGS, [], "send"),
        (Task.QUESTION_ANSWERING, {"inputs": QUESTION, "parameters": {"max_question_len": 5}}, "is never cut here"),
        (Task.TEXT_CLASSIFICATION, {"inputs": "a", "parameters": 5}, "expected object"),
        (Task.TEXT_CLASSIFICATION, {"inputs": "a", "truncate": True}, "unknown key 'truncate'"),
        (Task.TEXT_CLASSIFICATION, {}, "inputs is missing"),
        (Task.TEXT_CLASSIFICATION, "text", "send"),
        (Task.FILL_MASK, b"{", "not JSON"),
    ],
)
def test_what_is_refused_is_said_in_the_form_that_the_client_reads(task: Task, body: object, part: str) -> None:
    error, sent = refused(body, HF, task)
    assert part in error.message
    assert (sent["error"], sent["error_type"]) == (error.message, "Validation")


def test_every_task_is_answered_there() -> None:
    bodies: dict[Task, Any] = {
        Task.QUESTION_ANSWERING: {"inputs": QUESTION},
        Task.TEXT_RANKING: {"inputs": {"query": "a", "texts": ["b"]}},
        Task.ZERO_SHOT_CLASSIFICATION: ZERO_SHOT_BODY,
        Task.ZERO_SHOT_TOKEN_CLASSIFICATION: ZERO_SHOT_BODY,
    }
    for task in Task:
        item = ask(bodies.get(task, {"inputs": "a"}), HF, task).item
        assert isinstance(item, Request), item
