"""vLLM's classify, score and pooling: requests and answers, and errors in OpenAI's form."""

import base64
from typing import Any

import numpy as np
import pytest

from handler.config import ScoreFunction, Task
from handler.doors.call import Call
from handler.payload import Request
from handler.tasks.embeddings import EmbeddingParameters
from handler.tasks.text_classification import ClassificationParameters
from handler.vectors.late import Late
from handler.vectors.settings import Kind, Vectors
from tests.support.calls import REST, answer, ask, refused

RANKED = [
    {"label": "so so", "score": 0.6},
    {"label": "bad", "score": 0.3},
    {"label": "good", "score": 0.1},
]


def call(path: str, body: object, task: Task) -> Call:
    return ask(body, {**REST, "url_path": path}, task)


def read(path: str, body: object, task: Task) -> Request:
    item = call(path, body, task).item
    assert isinstance(item, Request), item
    return item


def test_classify_has_probabilities_in_the_order_of_the_labels() -> None:
    found = answer(call("classify", {"model": "x", "input": ["a"], "user": "u"}, Task.TEXT_CLASSIFICATION), RANKED)
    assert found["id"].startswith("classify-")
    assert found["created"] > 0
    del found["id"], found["created"]
    assert found == {
        "object": "list",
        "model": "m",
        "data": [{"index": 0, "label": "so so", "probs": [0.3, 0.1, 0.6], "num_classes": 3}],
        "usage": {"prompt_tokens": 3, "total_tokens": 3, "completion_tokens": 0},
    }


def test_classify_asks_for_every_label() -> None:
    one = read("classify", {"input": "a"}, Task.TEXT_CLASSIFICATION)
    assert [(each.text, each.param) for each in one.inputs] == [("a", "/input")]
    assert one.parameters == ClassificationParameters(top_k=None)
    raw = read("classify", {"input": ["a", "b"], "use_activation": False}, Task.TEXT_CLASSIFICATION)
    assert raw.parameters == ClassificationParameters(top_k=None, function_to_apply=ScoreFunction.NONE)
    assert [each.param for each in raw.inputs] == ["/input/0", "/input/1"]


def test_an_empty_text_is_a_side_of_a_score() -> None:
    request = read("score", {"text_1": "", "text_2": ["", "a"]}, Task.TEXT_RANKING)
    assert [(each.text, each.texts) for each in request.inputs] == [("", ("", "a"))]


@pytest.mark.parametrize("path", ["score", "v1/score"])
@pytest.mark.parametrize(
    ("names", "first", "second", "inputs"),
    [
        (("text_1", "text_2"), "a", "b", [("a", ("b",))]),
        (("text_1", "text_2"), "a", ["b", "c"], [("a", ("b", "c"))]),
        (("queries", "documents"), ["a"], ["b", "c"], [("a", ("b", "c"))]),
        (("data_1", "data_2"), ["a", "b"], ["c", "d"], [("a", ("c",)), ("b", ("d",))]),
    ],
)
def test_a_cross_encoder_reads_one_with_all_or_each_with_its_own(
    path: str, names: tuple[str, str], first: Any, second: Any, inputs: list[Any]
) -> None:
    request = read(path, dict(zip(names, (first, second), strict=True)), Task.TEXT_RANKING)
    assert [(each.text, each.texts) for each in request.inputs] == inputs


def test_scores_stand_in_the_order_of_the_texts() -> None:
    ranks = [{"index": 1, "score": 0.9}, {"index": 0, "score": 0.1}]
    found = answer(call("score", {"text_1": "a", "text_2": ["b", "c"]}, Task.TEXT_RANKING), ranks)
    assert [(each["index"], each["object"], each["score"]) for each in found["data"]] == [
        (0, "score", 0.1),
        (1, "score", 0.9),
    ]
    assert (found["object"], found["model"], found["usage"]["prompt_tokens"]) == ("list", "m", 3)


def test_vectors_are_compared_by_their_cosines() -> None:
    vectors = [np.asarray(each, np.float32) for each in ([2, 0], [3, 0], [1, 1])]
    one = answer(call("score", {"text_1": "a", "text_2": ["b", "c"]}, Task.EMBEDDINGS), *vectors)
    assert [each["score"] for each in one["data"]] == pytest.approx([1, 2**-0.5])
    each = answer(call("score", {"text_1": ["a", "b"], "text_2": ["c", "d"]}, Task.EMBEDDINGS), *vectors, vectors[1])
    assert [found["score"] for found in each["data"]] == pytest.approx([2**-0.5, 1])


OF_BOTH = Vectors(multi_module="colbert_linear", token_width=2, dense_width=2)
OF_TOKENS = Vectors(late=Late(query_tokens=8, document_tokens=9, modules=("1_Dense",)), token_width=2)


@pytest.mark.parametrize(
    ("vectors", "task", "kind"),
    [
        (None, None, Kind.DENSE),
        (OF_BOTH, None, Kind.DENSE),
        (OF_TOKENS, None, Kind.MULTI_VECTOR),
        (OF_BOTH, "token_embed", Kind.MULTI_VECTOR),
        (OF_BOTH, "embed", Kind.DENSE),
    ],
)
def test_pooling_asks_for_a_vector_or_for_those_of_tokens(vectors: Vectors | None, task: Any, kind: Kind) -> None:
    item = ask({"input": ["a"], "task": task}, {**REST, "url_path": "pooling"}, vectors=vectors).item
    assert isinstance(item, Request)
    assert item.parameters == EmbeddingParameters(vectors=kind)


def test_pooling_writes_numbers_or_all_bytes_of_a_text() -> None:
    tokens = np.asarray([[0.5, -1.25], [2, 0]], np.float32)
    found = answer(call("pooling", {"input": ["a", "b"]}, Task.EMBEDDINGS), tokens[0], tokens)
    assert found["id"].startswith("pool-")
    assert found["data"] == [
        {"index": 0, "object": "pooling", "data": [0.5, -1.25]},
        {"index": 1, "object": "pooling", "data": [[0.5, -1.25], [2, 0]]},
    ]
    body = {"input": "a", "encoding_format": "base64"}
    (written,) = answer(call("pooling", body, Task.EMBEDDINGS), tokens)["data"]
    assert base64.b64decode(written["data"]) == tokens.tobytes()


CLASSIFY, RANK = ("classify", Task.TEXT_CLASSIFICATION), ("score", Task.TEXT_RANKING)
COMPARE, POOL = ("score", Task.EMBEDDINGS), ("pooling", Task.EMBEDDINGS)


@pytest.mark.parametrize(
    ("asked", "body", "status", "param", "says"),
    [
        (CLASSIFY, {}, 422, "/input", "input is missing"),
        (CLASSIFY, {"input": []}, 422, "/input", "length >= 1"),
        (CLASSIFY, {"input": [5]}, 422, "/input/0", "string"),
        (CLASSIFY, {"input": ["a"] * 257}, 413, "/input", "at most 256"),
        (RANK, {}, 422, None, "two sides, and this request has none"),
        (RANK, {"text_1": "a"}, 422, None, "this request has text_1"),
        (RANK, {"text_1": "a", "documents": "b"}, 422, None, "has text_1 and documents"),
        (RANK, {"text_1": ["a", "b"], "text_2": "c"}, 422, "/text_1", "has 2 texts and text_2 1"),
        (RANK, {"text_1": "a", "text_2": []}, 422, "/text_2", "length >= 1"),
        (RANK, {"text_1": "a", "text_2": ["b"] * 257}, 413, "/text_2", "at most 256"),
        (RANK, {"text_1": ["a"] * 257, "text_2": ["b"] * 257}, 413, "/text_2", "at most 256"),
        (COMPARE, {"text_1": "a", "text_2": ["b"] * 256}, 413, "/text_2", "at most 256"),
        (POOL, {"input": "a", "task": "token_embed"}, 422, "/task", "task is token_embed, and this model has embed"),
        (POOL, {"input": "a", "task": "classify"}, 422, "/task", "it must be embed or token_embed"),
        (POOL, {"input": ["a"] * 257}, 413, "/input", "at most 256"),
    ],
)
def test_refused(asked: tuple[str, Task], body: object, status: int, param: str | None, says: str) -> None:
    path, task = asked
    error, sent = refused(body, {**REST, "url_path": path}, task)
    assert (sent["error"]["code"], sent["error"]["param"]) == (error.status, error.param) == (status, param)
    assert says in sent["error"]["message"]
