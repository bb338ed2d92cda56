"""Cohere's embed and rerank, 1 and 2: requests, and the answers that its package reads."""

import base64
from typing import Any

import numpy as np
import pytest

from handler.config import MAX_INPUTS_PER_REQUEST, MAX_TEXTS_PER_REQUEST, Task
from handler.doors.call import Call
from handler.errors import InputTooLong, InvalidParameter
from handler.payload import Request
from handler.tasks.embeddings import EmbeddingParameters
from handler.tasks.text_ranking import RankingParameters
from handler.vectors.settings import Kind
from tests.support.calls import REST, answer, ask, refused

VECTOR = np.asarray([0.5, -1.25], np.float32)
RANKS = [{"index": 1, "score": 0.9}, {"index": 0, "score": 0.1}]
TASKS = {"embed": Task.EMBEDDINGS, "rerank": Task.TEXT_RANKING}


def call(path: str, body: object) -> Call:
    return ask(body, {**REST, "url_path": path}, TASKS[path[3:]])


def read(path: str, body: object) -> Request:
    item = call(path, body).item
    assert isinstance(item, Request), item
    return item


@pytest.mark.parametrize("version", ["1", "2"])
def test_rerank_answers_by_relevance(version: str) -> None:
    found = answer(call(f"v{version}/rerank", {"model": "x", "query": "a", "documents": ["b", "c"]}), RANKS)
    assert found.pop("id")
    assert found == {
        "model": "m",
        "results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}],
        "meta": {
            "api_version": {"version": version},
            "billed_units": {"search_units": 1},
            "tokens": {"input_tokens": 3},
        },
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }


def test_documents_may_be_objects_and_come_back() -> None:
    documents = ["b", {"text": "c", "title": "C"}]
    body = {"query": "a", "documents": documents, "return_documents": True, "top_n": 2}
    request = read("v1/rerank", {**body, "max_chunks_per_doc": 10, "max_tokens_per_doc": 4096})
    assert [(each.text, each.texts, each.param) for each in request.inputs] == [("a", ("b", "c"), "/documents")]
    assert request.parameters == RankingParameters(top_k=2)
    results = answer(call("v1/rerank", body), RANKS)["results"]
    assert [each["document"] for each in results] == [{"text": "c", "title": "C"}, {"text": "b"}]


def test_rank_fields_are_read_as_lines() -> None:
    body = {"query": "a", "documents": [{"text": "c", "title": "C"}, "d"], "rank_fields": ["title", "text"]}
    assert read("v1/rerank", body).inputs[0].texts == ("C\nc", "d")


def test_a_search_unit_is_a_hundred_documents() -> None:
    found = answer(call("v2/rerank", {"query": "a", "documents": ["b"] * 101}), RANKS)
    assert found["meta"]["billed_units"] == {"search_units": 2}


@pytest.mark.parametrize("path", ["v1/embed", "v2/embed"])
def test_embed_answers_by_type(path: str) -> None:
    body = {"texts": ["a"], "model": "x", "input_type": "clustering", "embedding_types": ["float", "base64"]}
    found = answer(call(path, body), VECTOR)
    assert found.pop("id")
    floats, coded = found["embeddings"].pop("float"), found["embeddings"].pop("base64")
    assert floats == [[0.5, -1.25]]
    assert [np.frombuffer(base64.b64decode(each), "<f4").tolist() for each in coded] == floats
    assert found == {
        "texts": ["a"],
        "embeddings": {},
        "meta": {"api_version": {"version": path[1]}, "billed_units": {"input_tokens": 3}},
        "response_type": "embeddings_by_type",
    }


def test_without_types_version_1_answers_with_lists_and_2_with_floats() -> None:
    plain = answer(call("v1/embed", {"texts": ["a"]}), VECTOR)
    assert (plain["embeddings"], plain["response_type"]) == ([[0.5, -1.25]], "embeddings_floats")
    assert answer(call("v2/embed", {"texts": ["a"]}), VECTOR)["embeddings"] == {"float": [[0.5, -1.25]]}


@pytest.mark.parametrize(
    ("input_type", "prompt"), [("search_query", "query"), ("search_document", "passage"), ("classification", None)]
)
def test_an_input_type_chooses_the_checkpoints_prompt_for_it(input_type: str, prompt: str | None) -> None:
    """The model has `query` and `passage`."""
    request = read("v2/embed", {"texts": ["a", "b"], "input_type": input_type})
    assert request.parameters == EmbeddingParameters(vectors=Kind.DENSE, prompt_name=prompt)
    assert [(each.text, each.param) for each in request.inputs] == [("a", "/texts/0"), ("b", "/texts/1")]


def test_length_is_coheres_to_say() -> None:
    request = read("v2/embed", {"texts": ["a"], "truncate": "NONE", "output_dimension": 8})
    assert request.parameters == EmbeddingParameters(vectors=Kind.DENSE, truncation=False, dimensions=8)
    reply = call("v2/embed", {"texts": ["a"]}).reply
    for error, says in (
        (InputTooLong('shorten it, or send "truncation": true to have its end cut'), '"truncate": "END" to have'),
        (InvalidParameter("dimensions is 9; this model's vectors have 8"), "output_dimension is 9;"),
    ):
        assert says in reply.format_error(error).body.decode().replace("\\", "")


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("v2/embed", {}, 422, "texts is missing; texts alone are read here"),
        ("v2/embed", {"texts": []}, 422, "length >= 1"),
        ("v2/embed", {"texts": ["a"], "images": ["b"]}, 422, "unknown key 'images'; texts alone"),
        ("v2/embed", {"inputs": [{"content": []}]}, 422, "texts alone are read here"),
        ("v2/embed", {"texts": ["a"], "embedding_types": ["int8"]}, 422, "written as float or base64"),
        ("v2/embed", {"texts": ["a"], "truncate": "START"}, 422, "send END, or NONE"),
        ("v2/embed", {"texts": ["a"], "input_type": "image"}, 422, "input_type"),
        ("v1/embed", {"texts": ["a"] * (MAX_INPUTS_PER_REQUEST + 1)}, 413, "at most 256"),
        ("v2/rerank", {"query": "a"}, 422, "documents is missing"),
        ("v2/rerank", {"query": "a", "documents": ["b"], "top_n": 0}, 422, "top_n"),
        ("v1/rerank", {"query": "a", "documents": [{"txt": "b"}]}, 422, "documents.0: the document has no string 't"),
        ("v1/rerank", {"query": "a", "documents": [{"text": 5}]}, 422, "has no string 'text'"),
        ("v1/rerank", {"query": "a", "documents": ["b"] * (MAX_TEXTS_PER_REQUEST + 1)}, 413, "at most 256"),
    ],
)
def test_refused(path: str, body: Any, status: int, says: str) -> None:
    error, sent = refused(body, {**REST, "url_path": path}, TASKS[path[3:]])
    assert sent == {"message": error.message, "detail": error.message}
    assert error.status == status
    assert says in error.message
