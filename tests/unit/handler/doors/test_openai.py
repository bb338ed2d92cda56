"""OpenAI's embeddings: texts and token ids in, floats or base64 out, errors inside `error`."""

import base64
import json
from typing import Any

import numpy as np
import pytest

from handler.config import MAX_INPUTS_PER_REQUEST, Task
from handler.errors import InvalidParameter
from tests.support.calls import OPENAI_HEADERS, answer, ask, read, refused

VECTOR = np.asarray([0.5, -1.25], np.float32)


def test_openai_reads_texts_and_token_ids() -> None:
    found = read({"input": ["a", "b"], "model": "x", "user": "u"}, OPENAI_HEADERS)
    assert [(source.text, source.param) for source in found.inputs] == [("a", "/input/0"), ("b", "/input/1")]
    assert [source.token_ids for source in read({"input": [5, 6]}, OPENAI_HEADERS).inputs] == [(5, 6)]
    assert [source.token_ids for source in read({"input": [[5], [6]]}, OPENAI_HEADERS).inputs] == [(5,), (6,)]
    assert len(read({"input": [5] * (MAX_INPUTS_PER_REQUEST + 1)}, OPENAI_HEADERS).inputs) == 1


def test_openai_answers_in_floats_or_base64() -> None:
    floats = answer(ask({"input": "a"}, OPENAI_HEADERS), VECTOR)
    assert floats == {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -1.25]}],
        "model": "m",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }
    for body in ({"encoding_format": "base64"}, {"parameters": {"encoding_format": "base64"}}):
        (coded,) = answer(ask({"input": "a", **body}, OPENAI_HEADERS), VECTOR)["data"]
        assert np.frombuffer(base64.b64decode(coded["embedding"]), "<f4").tolist() == [0.5, -1.25]


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({}, 422, "/input"),
        ({"input": []}, 422, "/input"),
        ({"input": ["a", 5]}, 422, "/input"),
        ({"input": [True]}, 422, "/input/0"),
        ({"input": [10**400]}, 422, "/input/0"),
        ({"input": [2**31]}, 422, "/input/0"),
        ({"input": ["a"] * (MAX_INPUTS_PER_REQUEST + 1)}, 413, "/input"),
        ({"input": "a", "encoding_format": "int8"}, 422, "/encoding_format"),
        ({"input": "a", "dimensions": 0}, 422, "/dimensions"),
        ({"input": "a", "dimensions": 2, "parameters": {"dimensions": 2}}, 422, "/dimensions"),
        (
            {"input": "a", "encoding_format": "float", "parameters": {"encoding_format": "base64"}},
            422,
            "/encoding_format",
        ),
        ({"input": "a", "parameters": {"top_k": 2}}, 422, "/parameters/top_k"),
    ],
)
def test_openai_errors_are_inside_error(body: dict[str, Any], status: int, param: str | None) -> None:
    error, sent = refused(body, OPENAI_HEADERS)
    assert (error.status, sent["error"]["code"], sent["error"]["param"]) == (status, status, param)
    assert set(sent) == {"error"}


def test_openais_dimensions_stand_beside_the_input() -> None:
    """An error of the head knows the parameter by its native place."""
    for extra, param in (
        ({"dimensions": 999}, "/dimensions"),
        ({"parameters": {"dimensions": 999}}, "/parameters/dimensions"),
    ):
        reply = ask({"input": "a", **extra}, OPENAI_HEADERS).reply
        sent = json.loads(reply.format_error(InvalidParameter("too many", "/parameters/dimensions")).body)
        assert sent["error"]["param"] == param
    assert refused({"input": "a", "parameters": {"dimensions": 0}}, OPENAI_HEADERS)[0].param == "/parameters/dimensions"


@pytest.mark.parametrize(
    ("asked", "says"),
    [({"task": "retrieval.query"}, "chosen by prompt_name"), ({"late_chunking": True}, "late_chunking is not done")],
)
def test_jinas_own_fields_are_refused_in_words(asked: dict[str, Any], says: str) -> None:
    error, sent = refused({"input": "a", **asked}, OPENAI_HEADERS)
    assert (error.status, sent["error"]["param"]) == (422, f"/{next(iter(asked))}")
    assert says in error.message


def test_jinas_own_fields_may_ask_for_nothing() -> None:
    found = read({"input": "a", "model": "jina", "task": None, "late_chunking": False}, OPENAI_HEADERS)
    assert found == read({"input": "a"}, OPENAI_HEADERS)


def test_openai_is_for_embeddings() -> None:
    assert refused({"input": "a"}, OPENAI_HEADERS, Task.FILL_MASK)[0].status == 404
