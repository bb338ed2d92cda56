"""The doors beside the native one: which is taken, what each reads, and the dress of its answers and errors."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from handler.config import MAX_INPUTS_PER_REQUEST, Task
from handler.doors.call import Call, limit_size
from handler.doors.route import GRPC, KSERVE, NATIVE, NOWHERE, OPENAI, Door, choose_door, open_call
from handler.errors import InvalidParameter
from handler.parameters import EmbeddingParameters, ExplanationParameters
from handler.payload import Prediction, Rejected, Request, Served

REST = {"Content-Type": "application/json", "explain": "False"}
OPENAI_HEADERS = {**REST, "url_path": "v1/embeddings"}
MODEL_INFER = {"body": {"content-type": "application/json"}}
EXPLAIN = {**REST, "explain": "True"}


def ask(body: object, headers: Mapping[str, object] = REST, task: Task = Task.EMBEDDINGS) -> Call:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return open_call({"body": raw}, headers, Served(name="m", version="1.0", task=task))


def read(body: object, headers: Mapping[str, object] = REST, task: Task = Task.EMBEDDINGS) -> Request:
    item = ask(body, headers, task).item
    assert isinstance(item, Request), item
    return item


def refused(body: object, headers: Mapping[str, object] = REST, task: Task = Task.EMBEDDINGS) -> tuple[Any, Any]:
    """The error, and its body as it is sent."""
    call = ask(body, headers, task)
    assert isinstance(call.item, Rejected), call.item
    response = call.reply.format_error(call.item.error)
    assert response.status == call.item.error.status
    return call.item.error, json.loads(response.body)


def tensor(name: str, *data: object, shape: list[int] | None = None) -> dict[str, object]:
    return {"name": name, "shape": shape or [len(data)], "datatype": "BYTES", "data": list(data)}


def infer(*tensors: object, **others: object) -> dict[str, object]:
    return {"inputs": list(tensors), **others}


def answer(call: Call, *values: object) -> Any:
    predictions = [Prediction(value=value, num_tokens=3, is_truncated=False) for value in values]
    response = call.reply.format_predictions(predictions)
    assert (response.status, response.headers) == (200, {"x-compute-tokens": str(3 * len(values))})
    return json.loads(response.body)


@pytest.mark.parametrize(
    ("headers", "door"),
    [
        ({"explain": "False", "url_path": ""}, NATIVE),
        ({"explain": "True", "url_path": ""}, NATIVE),
        ({"explain": "False"}, KSERVE),
        ({"explain": "True"}, KSERVE),
        ({"explain": "False", "url_path": "v1/embeddings"}, OPENAI),
        ({"explain": "True", "url_path": "v1/embeddings"}, NOWHERE),
        ({"explain": "False", "url_path": "v1/models"}, NOWHERE),
        ({}, NATIVE),
        ({"body": {"content-type": ""}}, NATIVE),
        ({"body": {"content-type": ""}, "explain": {"content-type": ""}}, NATIVE),  # gRPC, with an input of that name
        (MODEL_INFER, GRPC),
        ({**REST, "body": "x", "url_path": ""}, NATIVE),
    ],
)
def test_the_frontends_own_headers_tell_the_door(headers: dict[str, object], door: Door) -> None:
    assert choose_door(headers) is door


def test_v1_reads_instances_and_answers_in_a_list() -> None:
    call = ask({"instances": ["a", {"text": "b"}], "parameters": {"dimensions": 2}})
    assert isinstance(call.item, Request)
    assert [(source.text, source.param) for source in call.item.inputs] == [
        ("a", "/instances/0"),
        ("b", "/instances/1"),
    ]
    assert call.item.parameters == EmbeddingParameters(dimensions=2)
    assert answer(call, [1.5], [2.5]) == {"predictions": [[1.5], [2.5]]}


def test_v1_explains() -> None:
    call = ask({"instances": ["a"], "parameters": {"n_steps": 5}}, EXPLAIN, Task.TEXT_CLASSIFICATION)
    assert isinstance(call.item, Request)
    assert call.item.parameters == ExplanationParameters(n_steps=5)
    assert answer(call, {"label": "x"}) == {"explanations": [{"label": "x"}]}
    assert refused({"instances": ["a"]}, EXPLAIN)[0].status == 404


def test_v2_reads_tensors_by_name_and_answers_with_one() -> None:
    call = ask(infer(tensor("text", "a", "b", shape=[2, 1]), id="7", parameters={"binary_data_output": True}))
    assert isinstance(call.item, Request)
    assert [(source.text, source.param) for source in call.item.inputs] == [
        ("a", "/inputs/0/data/0"),
        ("b", "/inputs/0/data/1"),
    ]
    assert answer(call, [1.5, 2.0], [2.5, 3.0]) == {
        "id": "7",
        "model_name": "m",
        "model_version": "1.0",
        "outputs": [{"name": "embeddings", "datatype": "FP32", "shape": [2, 2], "data": [1.5, 2.0, 2.5, 3.0]}],
    }


def test_v2_writes_other_results_as_json() -> None:
    call = ask(infer(tensor("text", "a")), task=Task.TEXT_CLASSIFICATION)
    (output,) = answer(call, {"label": "x", "score": 0.5})["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("predictions", "BYTES", [1])
    assert [json.loads(text) for text in output["data"]] == [{"label": "x", "score": 0.5}]


def test_v2_puts_rows_together_in_any_order_of_tensors() -> None:
    pairs = infer(tensor("text_pair", "c", "d"), tensor("text", ["a"], ["b"], shape=[2, 1]))
    found = read(pairs, task=Task.TEXT_CLASSIFICATION).inputs
    assert [(source.text, source.text_pair, source.param) for source in found] == [
        ("a", "c", "/inputs/1/data/0"),
        ("b", "d", "/inputs/1/data/1"),
    ]
    ranking = infer(tensor("query", "q", "r"), tensor("texts", "a", "b", "c", "d", shape=[2, 2]))
    assert [source.texts for source in read(ranking, task=Task.TEXT_RANKING).inputs] == [("a", "b"), ("c", "d")]


TEXT = tensor("text", "a")
BAD_TENSORS: list[tuple[dict[str, Any], str | None, str]] = [
    ({}, "/inputs", "inputs: it is missing"),
    (infer(), "/inputs", "length >= 1"),
    (infer(TEXT, id=7), "/id", "id: expected string"),
    (infer(TEXT, TEXT), "/inputs/1/name", "two inputs"),
    (infer(tensor("txt", "a")), "/inputs/0/name", "'txt'"),
    (infer(tensor("text_pair", "a")), "/inputs/0/name", "unknown input 'text_pair'"),
    (infer({**TEXT, "datatype": "INT64"}), "/inputs/0/datatype", "INT64"),
    (infer({**TEXT, "data": []}), "/inputs/0/data", "0 elements"),
    (infer({**TEXT, "data": [5]}), "/inputs/0/data/0", "no string"),
    (infer({**TEXT, "shape": [1, 1, 1]}), "/inputs/0/shape", "length <= 2"),
    (infer({**TEXT, "shape": [-1]}), "/inputs/0/shape/0", ">= 0"),
    (infer(tensor("text", "a", "b", shape=[1, 2])), "/inputs/0/shape", "[n] or [n, 1]"),
    (infer(tensor("text", shape=[0])), "/inputs/0/shape", "no rows"),
    (infer({**TEXT, "parameters": {"binary_data_size": 5}}), "/inputs/0/parameters/binary_data_size", "unknown"),
    (infer(TEXT, outputs=[{"name": "x"}]), "/outputs/0/name", "embeddings"),
    (infer(TEXT, parameters={"top_k": 1}), "/parameters/top_k", "unknown parameter 'top_k'"),
    (infer(TEXT, tensor("parameters", "{}", "{}")), "/inputs/1/data", "one string"),
    (infer(TEXT, tensor("parameters", "{")), None, "the tensor parameters is not JSON"),
    (infer(TEXT, tensor("parameters", "{}"), parameters={"dimensions": 1}), "/parameters", "twice"),
    ({"inputs": [TEXT], "instances": ["a"]}, "/inputs", "unknown key 'inputs'"),  # v1, by `instances`
]


@pytest.mark.parametrize(("body", "param", "part"), BAD_TENSORS)
def test_v2_names_what_is_wrong_with_a_tensor(body: dict[str, Any], param: str | None, part: str) -> None:
    error, sent = refused(body)
    assert part in error.message
    assert sent == {**sent, "code": error.status, "param": param, "error": error.message}


def test_v2_says_which_element_is_empty() -> None:
    body = infer(tensor("context", "b", ""), tensor("question", "a", "c"))
    error, _ = refused(body, task=Task.QUESTION_ANSWERING)
    assert (error.param, error.message[:8]) == ("/inputs/0/data/1", "context:")


def test_v2_needs_as_many_rows_and_a_text_for_each_query() -> None:
    for texts in (tensor("texts", "a", "b", shape=[2, 1]), tensor("texts", shape=[1, 0])):
        error, _ = refused(infer(tensor("query", "q"), texts), task=Task.TEXT_RANKING)
        assert (error.param, "[n, k]" in error.message) == ("/inputs/1/shape", True)


def test_v2_refuses_binary_bodies() -> None:
    error, _ = refused(b"{}...", {**REST, "Inference-Header-Content-Length": "2"})
    assert (error.status, "binary_data=False" in error.message) == (415, True)


def grpc_body(*tensors: dict[str, Any]) -> dict[str, Any]:
    """A ModelInferRequest as TorchServe writes it."""
    encoded = [{**each, "data": [base64.b64encode(text).decode() for text in each["data"]]} for each in tensors]
    return {"model_name": "m", "inputs": encoded, "id": "7"}


def test_grpc_reads_base64_and_parameters_from_a_tensor() -> None:
    call = ask(grpc_body(tensor("text", b"na\xc3\xafve"), tensor("parameters", b'{"dimensions": 2}')), MODEL_INFER)
    assert isinstance(call.item, Request)
    assert [source.text for source in call.item.inputs] == ["naïve"]
    assert call.item.parameters == EmbeddingParameters(dimensions=2)
    assert answer(call, [1.5])["id"] == "7"


def test_grpc_answers_an_error_as_an_output() -> None:
    """Of any other shape, or without an id, the frontend would die of a null pointer."""
    cases: list[tuple[object, int, str | None]] = [
        (grpc_body(tensor("text", b"\xff")), 400, "/inputs/0/data/0"),
        (grpc_body(tensor("text", shape=[1])), 422, "/inputs/0/data"),  # what raw_input_contents leave
        (b"{", 400, None),
    ]
    for body, status, param in cases:
        error, sent = refused(body, MODEL_INFER)
        assert (error.status, error.param) == (status, param)
        assert set(sent) == {"id", "model_name", "model_version", "outputs"}
        (output,) = sent["outputs"]
        (data,) = output.pop("data")
        assert output == {"name": "error", "datatype": "BYTES", "shape": [1]}
        assert data == {"code": status, "type": type(error).__name__, "message": error.message, "param": param}


def test_openai_reads_texts_and_token_ids() -> None:
    found = read({"input": ["a", "b"], "model": "x", "user": "u"}, OPENAI_HEADERS)
    assert [(source.text, source.param) for source in found.inputs] == [("a", "/input/0"), ("b", "/input/1")]
    assert [source.token_ids for source in read({"input": [5, 6]}, OPENAI_HEADERS).inputs] == [(5, 6)]
    assert [source.token_ids for source in read({"input": [[5], [6]]}, OPENAI_HEADERS).inputs] == [(5,), (6,)]
    assert len(read({"input": [5] * (MAX_INPUTS_PER_REQUEST + 1)}, OPENAI_HEADERS).inputs) == 1


def test_openai_answers_in_floats_or_base64() -> None:
    floats = answer(ask({"input": "a"}, OPENAI_HEADERS), [0.5, -1.25])
    assert floats == {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -1.25]}],
        "model": "m",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }
    (coded,) = answer(ask({"input": "a", "encoding_format": "base64"}, OPENAI_HEADERS), [0.5, -1.25])["data"]
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
        ({"input": "a", "parameters": {"top_k": 2}}, 422, "/parameters/top_k"),
    ],
)
def test_openai_errors_are_inside_error(body: dict[str, Any], status: int, param: str | None) -> None:
    error, sent = refused(body, OPENAI_HEADERS)
    assert (error.status, sent["error"]["code"], sent["error"]["param"]) == (status, status, param)
    assert set(sent) == {"error"}


def test_openais_dimensions_stand_beside_the_input() -> None:
    """An error of the head knows the parameter by its native place."""
    reply = ask({"input": "a", "dimensions": 999}, OPENAI_HEADERS).reply
    sent = json.loads(reply.format_error(InvalidParameter("too many", "/parameters/dimensions")).body)
    assert sent["error"]["param"] == "/dimensions"


def test_openai_is_for_embeddings() -> None:
    assert refused({"input": "a"}, OPENAI_HEADERS, Task.FILL_MASK)[0].status == 404


@pytest.mark.parametrize("headers", [REST, OPENAI_HEADERS])
def test_other_doors_read_json_only(headers: dict[str, str]) -> None:
    assert refused(b"", headers)[0].status == 400
    assert refused(b"{}", {**headers, "Content-Type": "text/plain"})[0].status == 415
    assert refused(b"{}", {**headers, "Content-Type": "application/json; charset=utf-16"})[0].status == 415
    served = Served(name="m", version="1.0", task=Task.EMBEDDINGS)
    for fields in ({}, {"data": b"x"}, {"body": b"{}", "data": b"x"}):
        item = open_call(fields, headers, served).item
        assert isinstance(item, Rejected)
        assert item.error.status == 415


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"instances": ["a"]}, REST),
        (infer(TEXT), REST),
        ({"input": "a"}, OPENAI_HEADERS),
        (grpc_body(tensor("text", b"a")), MODEL_INFER),
    ],
)
def test_an_answer_over_the_limit_becomes_the_doors_own_error(body: object, headers: dict[str, object]) -> None:
    reply = ask(body, headers).reply
    response = reply.format_predictions([Prediction(value=[0.5] * 1000, num_tokens=3, is_truncated=False)])
    assert limit_size(response, reply, 10_000) is response
    limited = limit_size(response, reply, 1000)
    assert limited.status == 413
    assert "ResponseTooLarge" in limited.body.decode()
    assert len(limited.body) < 1000
