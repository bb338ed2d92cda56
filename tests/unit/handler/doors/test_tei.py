"""TEI's requests and answers, as its openapi.json has them."""

import json
from typing import Any

import numpy as np
import pytest

from handler.config import (
    MAX_INPUTS_PER_REQUEST,
    MAX_TEXTS_PER_REQUEST,
    MAX_TOKENS_PER_REQUEST,
    HandlerConfig,
    ScoreFunction,
    Task,
)
from handler.doors.call import Call
from handler.doors.tei.info import describe_pooling
from handler.errors import InputTooLong
from handler.payload import Answered, Rejected, Request
from handler.tasks.embeddings import EmbeddingParameters
from handler.tasks.text_classification import ClassificationParameters
from handler.tasks.text_ranking import RankingFunction, RankingParameters
from handler.vectors.late import Late
from handler.vectors.settings import Kind, Vectors, WordPooling
from tests.support.calls import REST, answer, ask, refused

VECTOR = np.asarray([0.5, -1.25], np.float32)
LABELS = [{"label": "good", "score": 0.7}, {"label": "bad", "score": 0.3}]
RANKS = [{"index": 1, "score": 0.9}, {"index": 0, "score": 0.1}]


def call(path: str, body: object, task: Task) -> Call:
    return ask(body, {**REST, "url_path": path}, task)


def read(path: str, body: object, task: Task) -> Request:
    item = call(path, body, task).item
    assert isinstance(item, Request), item
    return item


def refusal(path: str, body: object, task: Task) -> tuple[int, str]:
    error, sent = refused(body, {**REST, "url_path": path}, task)
    assert sent == {"error": error.message, "error_type": "Validation"}
    return error.status, error.message


def embed(body: object) -> Request:
    return read("embed", body, Task.EMBEDDINGS)


def test_embed_reads_texts_and_token_ids() -> None:
    assert [(each.text, each.param) for each in embed({"inputs": "a"}).inputs] == [("a", "/inputs")]
    found = embed({"inputs": [[5], [6]]})
    assert [(each.token_ids, each.param) for each in found.inputs] == [((5,), "/inputs/0"), ((6,), "/inputs/1")]
    assert [each.token_ids for each in embed({"inputs": [5, 6]}).inputs] == [(5, 6)]


def test_embed_scales_to_length_1_unless_told_not_to() -> None:
    assert embed({"inputs": "a"}).parameters == EmbeddingParameters(vectors=Kind.DENSE, normalize=True)
    body = {"inputs": "a", "normalize": False, "truncate": False, "prompt_name": "query", "dimensions": 3}
    assert embed({**body, "truncation_direction": "right"}).parameters == EmbeddingParameters(
        vectors=Kind.DENSE, normalize=False, truncation=False, prompt_name="query", dimensions=3
    )
    assert embed({"inputs": "a", "truncate": None, "prompt_name": None}).parameters == embed({"inputs": "a"}).parameters


def test_embed_answers_with_a_list_also_for_one_text() -> None:
    assert answer(call("embed", {"inputs": "a"}, Task.EMBEDDINGS), VECTOR) == [[0.5, -1.25]]


@pytest.mark.parametrize(
    ("path", "body", "task", "status", "says"),
    [
        ("embed", {}, Task.EMBEDDINGS, 422, "inputs is missing; send"),
        ("embed", {"inputs": []}, Task.EMBEDDINGS, 422, "length >= 1"),
        ("embed", {"inputs": ["a", 5]}, Task.EMBEDDINGS, 422, "mixes texts and token ids"),
        ("embed", {"inputs": ["a"] * (MAX_INPUTS_PER_REQUEST + 1)}, Task.EMBEDDINGS, 413, "at most 256"),
        ("embed", {"inputs": "a", "truncation_direction": "Left"}, Task.EMBEDDINGS, 422, "send Right, or leave"),
        ("embed", {"inputs": "a", "dimensions": 0}, Task.EMBEDDINGS, 422, "dimensions"),
        ("embed", {"inputs": "a", "pooling": "cls"}, Task.EMBEDDINGS, 422, "unknown key 'pooling'"),
        ("similarity", {"inputs": {"source_sentence": "a", "sentences": []}}, Task.EMBEDDINGS, 422, "sentences"),
        ("similarity", {"inputs": ["a"]}, Task.EMBEDDINGS, 422, "source_sentence"),
        (
            "similarity",
            {"inputs": {"source_sentence": "a", "sentences": ["a"] * MAX_INPUTS_PER_REQUEST}},
            Task.EMBEDDINGS,
            413,
            "at most 256",
        ),
        ("predict", {"inputs": ["a", "b", "c"]}, Task.TEXT_CLASSIFICATION, 422, "one text, or a text and its pair"),
        ("predict", {"inputs": [["a"], "b"]}, Task.TEXT_CLASSIFICATION, 422, "one text, or a text and its pair"),
        ("predict", {"inputs": [["a", "b", "c"]]}, Task.TEXT_CLASSIFICATION, 422, "inputs.0"),
        ("predict", {"inputs": [[]]}, Task.TEXT_CLASSIFICATION, 422, "inputs.0"),
        ("predict", {"inputs": [["a"]] * 257}, Task.TEXT_CLASSIFICATION, 413, "at most 256"),
        ("rerank", {"query": "a", "texts": []}, Task.TEXT_RANKING, 422, "texts"),
        ("rerank", {"texts": ["a"]}, Task.TEXT_RANKING, 422, "query is missing"),
        ("rerank", {"query": "a", "texts": ["b"] * (MAX_TEXTS_PER_REQUEST + 1)}, Task.TEXT_RANKING, 413, "at most 256"),
        ("rerank", {"query": "a", "documents": [5]}, Task.TEXT_RANKING, 422, "documents.0"),
        ("tokenize", {"inputs": ["a"] * (MAX_INPUTS_PER_REQUEST + 1)}, Task.FILL_MASK, 413, "at most 256"),
        ("tokenize", {"inputs": "a", "prompt_name": "q"}, Task.FILL_MASK, 422, "unknown prompt 'q'"),
        ("tokenize", {"inputs": "a " * (MAX_TOKENS_PER_REQUEST + 1)}, Task.FILL_MASK, 413, "131072 are the most"),
        ("decode", {"ids": [0] * (MAX_TOKENS_PER_REQUEST + 1)}, Task.FILL_MASK, 413, "131072 are the most"),
        ("decode", {"ids": [-1]}, Task.FILL_MASK, 422, "ids.0"),
        ("decode", {"ids": [1, [2]]}, Task.FILL_MASK, 422, "ids mixes"),
        ("decode", {"ids": [[1]] * (MAX_INPUTS_PER_REQUEST + 1)}, Task.FILL_MASK, 413, "at most 256"),
    ],
)
def test_refused(path: str, body: object, task: Task, status: int, says: str) -> None:
    found, message = refusal(path, body, task)
    assert found == status, message
    assert says in message


def test_a_text_that_is_too_long_is_told_teis_own_word() -> None:
    """The engine finds it, and speaks natively."""
    reply = call("embed", {"inputs": "a", "truncate": False}, Task.EMBEDDINGS).reply
    sent = json.loads(reply.format_error(InputTooLong('shorten it, or send "truncation": true to have it cut')).body)
    assert sent == {"error": 'shorten it, or send "truncate": true to have it cut', "error_type": "Validation"}


def test_vectors_of_tokens_are_refused_with_a_place_to_go() -> None:
    opened = call("embed_all", {"inputs": "a"}, Task.EMBEDDINGS)
    assert isinstance(opened.item, Rejected)
    response = opened.reply.format_error(opened.item.error)
    assert (response.status, response.phrase) == (424, "Failed Dependency")
    sent = json.loads(response.body)
    assert sent["error_type"] == "Backend"
    assert "send the texts to v1/embeddings, embed, similarity" in sent["error"]


def test_similarity_is_the_cosine_with_the_source() -> None:
    body = {
        "inputs": {"source_sentence": "a", "sentences": ["b", "c"]},
        "parameters": {"prompt_name": "query", "truncate": False},
    }
    request = read("similarity", body, Task.EMBEDDINGS)
    assert [(each.text, each.param) for each in request.inputs] == [
        ("a", "/inputs/source_sentence"),
        ("b", "/inputs/sentences/0"),
        ("c", "/inputs/sentences/1"),
    ]
    assert request.parameters == EmbeddingParameters(vectors=Kind.DENSE, prompt_name="query", truncation=False)
    vectors = [np.asarray(each, np.float32) for each in ([2, 0], [3, 0], [1, 1])]
    found = answer(call("similarity", body, Task.EMBEDDINGS), *vectors)
    assert found == pytest.approx([1, 2**-0.5])


@pytest.mark.parametrize(
    ("inputs", "pairs", "is_batch"),
    [
        ("a", [("a", None, "/inputs")], False),
        (["a"], [("a", None, "/inputs")], False),
        (["a", "b"], [("a", "b", "/inputs")], False),
        ([["a"]], [("a", None, "/inputs/0")], True),
        ([["a"], ["b", "c"]], [("a", None, "/inputs/0"), ("b", "c", "/inputs/1")], True),
    ],
)
def test_predict_takes_a_text_a_pair_or_a_batch(inputs: Any, pairs: list[Any], is_batch: bool) -> None:
    opened = call("predict", {"inputs": inputs}, Task.TEXT_CLASSIFICATION)
    assert isinstance(opened.item, Request)
    assert [(each.text, each.text_pair, each.param) for each in opened.item.inputs] == pairs
    assert opened.item.parameters == ClassificationParameters(top_k=None)
    assert answer(opened, *[LABELS] * len(pairs)) == ([LABELS] * len(pairs) if is_batch else LABELS)


def test_raw_scores_are_the_models_own() -> None:
    predict = read("predict", {"inputs": "a", "raw_scores": True}, Task.TEXT_CLASSIFICATION)
    assert predict.parameters == ClassificationParameters(top_k=None, function_to_apply=ScoreFunction.NONE)
    rank = read("rerank", {"query": "a", "texts": ["b"], "raw_scores": True}, Task.TEXT_RANKING)
    assert isinstance(rank.parameters, RankingParameters)
    assert rank.parameters.function_to_apply == "none"
    rank = read("rerank", {"query": "a", "texts": ["b"]}, Task.TEXT_RANKING)
    assert rank.parameters == RankingParameters(function_to_apply=RankingFunction.SIGMOID)


def test_rerank_returns_texts_if_asked() -> None:
    body = {"query": "a", "texts": ["b", "c"], "truncate": False, "top_n": 1}
    request = read("rerank", body, Task.TEXT_RANKING)
    assert [(each.text, each.texts, each.param) for each in request.inputs] == [("a", ("b", "c"), "/texts")]
    assert request.parameters == RankingParameters(truncation=False, top_k=1, function_to_apply=RankingFunction.SIGMOID)
    assert answer(call("rerank", body, Task.TEXT_RANKING), RANKS) == RANKS
    found = answer(call("rerank", {**body, "return_text": True}, Task.TEXT_RANKING), RANKS)
    assert found == [{"index": 1, "text": "c", "score": 0.9}, {"index": 0, "text": "b", "score": 0.1}]


def test_rerank_with_documents_is_coheres() -> None:
    """vLLM and Infinity have it at the address of TEI's."""
    found = answer(call("rerank", {"query": "a", "documents": ["b", "c"]}, Task.TEXT_RANKING), RANKS)
    assert found["results"] == [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]


def answered(path: str, body: object, task: Task) -> Any:
    item = call(path, body, task).item
    assert isinstance(item, Answered), item
    return item.value


def test_tokens_stand_behind_the_prompt() -> None:
    (tokens,) = answered("tokenize", {"inputs": "a", "prompt_name": "query"}, Task.EMBEDDINGS)
    assert [(each.text, each.special) for each in tokens] == [("[CLS]", True), ("query:", False), ("a", False)]
    bare = answered("tokenize", {"inputs": ["a", "b c"], "add_special_tokens": False}, Task.EMBEDDINGS)
    assert [[each.text for each in text] for text in bare] == [["a"], ["b", "c"]]


def test_ids_are_decoded_one_text_or_several() -> None:
    assert answered("decode", {"ids": [0, 1, 2]}, Task.FILL_MASK) == ["x xx"]
    assert answered("decode", {"ids": [[1], [0, 2]], "skip_special_tokens": False}, Task.FILL_MASK) == ["x", " xx"]


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_info_says_what_runs(body: bytes) -> None:
    found = answered("info", body, Task.TEXT_CLASSIFICATION)
    assert (found["model_id"], found["model_dtype"], found["max_input_length"]) == ("m", "float32", 8)
    assert found["model_type"]["classifier"]["id2label"] == {"0": "bad", "1": "good", "2": "so so"}
    assert found["model_type"]["classifier"]["label2id"]["so so"] == 2
    assert answered("info", b"", Task.EMBEDDINGS)["model_type"] == {"embedding": {"pooling": "mean"}}
    assert list(answered("info", b"", Task.FILL_MASK)["model_type"]) == ["fill-mask"]


@pytest.mark.parametrize(
    ("vectors", "pooling"),
    [
        (None, "mean"),
        (Vectors(words=WordPooling.MAX), "splade"),
        (Vectors(late=Late(query_tokens=32, document_tokens=180, modules=("1_Dense",))), "multi_vector"),
    ],
)
def test_info_says_what_makes_a_vector(vectors: Vectors | None, pooling: str) -> None:
    assert describe_pooling(HandlerConfig(task=Task.EMBEDDINGS, max_tokens=8, vectors=vectors)) == pooling
