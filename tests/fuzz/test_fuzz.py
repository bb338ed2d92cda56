"""The fuzz itself: the same requests for the same seed, and a judge that is not blind."""

import json
from typing import Any

import pytest
from tritonclient.grpc.service_pb2 import ModelInferResponse

from handler.config import Task
from tests.fuzz.judge.judging import judge_grpc, judge_rest
from tests.fuzz.make.requests import GrpcRequest, RestRequest
from tests.fuzz.make.values import encode
from tests.fuzz.models import SAMPLE, SMALL, Target
from tests.fuzz.run import DOORS, make_request
from tests.fuzz.sending import GrpcAnswer, RestAnswer

TARGETS = (SAMPLE, *SMALL)
TINY = Target("tiny", Task.TEXT_CLASSIFICATION)
HEADERS = {"content-type": "application/json", "x-compute-tokens": "4", "x-inference-time-ms": "1.5"}
RESULT = {"label": "positive", "score": 0.5}
ERROR = {"code": 422, "type": "InvalidInput", "message": "inputs.1: expected string", "param": "/inputs/1"}


def test_requests_are_made_of_the_seed_and_their_number() -> None:
    made = [make_request(7, number, TARGETS) for number in range(300)]
    assert [str(request) for request in made] == [str(make_request(7, number, TARGETS)) for number in range(300)]
    assert [str(request) for request in made] != [str(make_request(8, number, TARGETS)) for number in range(300)]
    assert {request.door for request in made} == set(DOORS)
    assert 0.1 < sum(request.is_good for request in made) / len(made) < 0.6


def test_numbers_that_python_does_not_write() -> None:
    assert encode({"a": ["raw number 1e999", "\ud800"]}) == b'{"a": [1e999, "\\ud800"]}'


AT = "/predictions/tiny/1.0/"
LABELS = [{"label": "positive", "score": 0.75}, {"label": "negative", "score": 0.25}]
RANKS = [{"index": 1, "score": 0.75}, {"index": 0, "score": 0.25}]
# An address, a good body, an answer to it.
ANSWERS: list[tuple[str, Any, Any]] = [
    ("embed", {"inputs": ["a", "b"]}, [[0.5, 1.5], [0.25, -1.5]]),
    ("similarity", {"inputs": {"source_sentence": "a", "sentences": ["b"]}}, [0.5]),
    ("predict", {"inputs": [["a"], ["b", "c"]]}, [LABELS, LABELS]),
    ("rerank", {"query": "a", "texts": ["b", "c"]}, RANKS),
    ("tokenize", {"inputs": "a"}, [[{"id": 1, "text": "a", "special": False, "start": 0, "stop": 1}]]),
    ("decode", {"ids": [[1], [2]]}, ["a", "b"]),
    ("v2/embed", {"texts": ["a"]}, {"embeddings": {"float": [[0.5]]}}),
    (
        "v1/rerank",
        {"query": "a", "documents": ["b", "c"]},
        {"results": [{"index": each["index"], "relevance_score": each["score"]} for each in RANKS]},
    ),
    ("classify", {"input": ["a"]}, {"data": [{"index": 0, "label": "x", "probs": [0.5, 0.5], "num_classes": 2}]}),
    ("score", {"text_1": "a", "text_2": ["b"]}, {"data": [{"index": 0, "object": "score", "score": 0.5}]}),
]


def judge_at(address: str, body: Any, status: int, value: Any) -> str:
    """The outcome of a request to another protocol's address."""
    request = RestRequest(door=address, target=TINY, path=AT + address, body=json.dumps(body).encode(), is_good=False)
    return judge_rest(request, RestAnswer(status=status, headers=HEADERS, body=json.dumps(value).encode()))


def one_less(value: Any) -> Any:
    """An answer that lacks a result."""
    if isinstance(value, list):
        return value[:-1]
    key = next(iter(value))
    return {**value, key: one_less(value[key]) if isinstance(value[key], list) else one_less_each(value[key])}


def one_less_each(value: Any) -> Any:
    return {key: one_less(each) for key, each in value.items()}


@pytest.mark.parametrize(("address", "body", "value"), ANSWERS, ids=[address for address, _, _ in ANSWERS])
def test_an_answer_at_another_protocols_address_is_counted(address: str, body: Any, value: Any) -> None:
    assert judge_at(address, body, 200, value) == "200"
    with pytest.raises(AssertionError):
        judge_at(address, body, 200, one_less(value))


def test_an_error_at_another_protocols_address_has_its_form() -> None:
    tei, cohere = {"error": "no", "error_type": "Validation"}, {"message": "no", "detail": "no"}
    assert judge_at("embed", {}, 422, tei) == "422 tei"
    assert judge_at("embed", {}, 424, {**tei, "error_type": "Backend"}) == "424 tei"
    assert judge_at("v1/rerank", {}, 404, cohere) == "404 cohere"
    assert judge_at("score", {}, 404, {"error": {**ERROR, "code": 404, "type": "UnknownPath"}}) == "404 UnknownPath"
    blunders: list[tuple[str, int, Any]] = [
        ("embed", 424, tei),
        ("embed", 422, cohere),
        ("embed", 500, {**tei, "error_type": "Backend"}),
        ("v1/rerank", 422, tei),
        ("v1/rerank", 400, {**ERROR, "code": 400, "type": "NotParseable"}),
        ("v1/rerank", 422, {**cohere, "detail": "other"}),
        ("v1/rerank", 422, {"message": " ", "detail": " "}),
        ("score", 422, ERROR),
    ]
    for address, status, value in blunders:
        with pytest.raises(AssertionError):
            judge_at(address, {}, status, value)


def judge(status: int, value: Any, path: str = "/predictions/tiny", **changed: Any) -> str:
    """The outcome of a good request with two inputs."""
    request = RestRequest(door="native", target=TINY, path=path, body=b'{"inputs": ["a", "b"]}', is_good=status == 200)
    headers = {**HEADERS, **changed.pop("headers", {})}
    return judge_rest(request, RestAnswer(status=status, headers=headers, body=json.dumps(value).encode(), **changed))


def test_what_a_user_may_get() -> None:
    assert judge(200, [RESULT, [RESULT, RESULT]]) == "200"
    assert judge(422, ERROR) == "422 InvalidInput"
    assert judge(422, {**ERROR, "error": ERROR["message"]}, path="/v1/models/tiny:predict") == "422 InvalidInput"
    assert judge(422, {"error": ERROR}, path="/predictions/tiny/1.0/v1/embeddings") == "422 InvalidInput"
    assert judge(404, {"code": 404, "type": "ModelNotFoundException", "message": "x"}).startswith("404 ModelNotFound")


@pytest.mark.parametrize(("kind", "status"), [("NotNow", 503), ("DeadlineExceeded", 503), ("InvalidInput", 422)])
def test_of_a_busy_machine_a_good_request_may_be_refused_for_now_alone(kind: str, status: int) -> None:
    good = RestRequest(door="native", target=TINY, path="/predictions/tiny", body=b'{"inputs": "a"}', is_good=True)
    error = {"code": status, "type": kind, "message": "not in its time: send it again later", "param": None}
    answer = RestAnswer(status=status, headers=HEADERS, body=json.dumps(error).encode())
    if status == 503:
        assert judge_rest(good, answer) == f"503 {kind}"
    else:
        with pytest.raises(AssertionError, match="a good request got"):
            judge_rest(good, answer)


def judge_page(*headers: tuple[str, str], path: str = "/predictions/tiny", status: int = 400) -> str:
    """The outcome of a request that HAProxy answers with a page of its own."""
    request = RestRequest(door="native", target=TINY, path=path, body=b"{}", headers=headers)
    return judge_rest(request, RestAnswer(status=status, headers={"content-type": "text/html"}, body=b"<html>"))


def test_a_page_of_haproxys_answers_what_is_no_http() -> None:
    for name in ("", "x y", "x\xe9", "content-length"):
        assert judge_page((name, "a")) == "400, HAProxy's"
    assert judge_page(path="/predictions/tiny#") == "400, HAProxy's"
    with pytest.raises(ValueError, match="Expecting value"):
        judge_page(("url_path", "a"))
    with pytest.raises(AssertionError):
        judge_page(("x y", "a"), status=500)


def test_too_long_a_body_in_chunks_is_refused_by_the_gateway() -> None:
    body, said = b" " * 1_500_000, "the request has 1500000 bytes, more than 1048576: send fewer inputs at once"
    request = RestRequest(door="v2", target=TINY, path="/v2/models/tiny/infer", body=body)
    answer = RestAnswer(status=413, headers=HEADERS, body=json.dumps({"error": said}).encode())
    assert judge_rest(request, answer) == "413 body in chunks, the front's"


def test_only_a_clients_own_request_id_may_be_strange() -> None:
    asked = (("x-request-id", "a\xe9"),)
    request = RestRequest(door="native", target=TINY, path="/predictions/tiny", body=b"{}", headers=asked)
    body = json.dumps({**ERROR, "param": None}).encode()
    said = {**HEADERS, "x-request-id": "a\xe9"}
    assert judge_rest(request, RestAnswer(status=422, headers=said, body=body)) == "422 InvalidInput"
    for other in ({"x-request-id": "\xe9"}, {"x-other": "a\xe9"}):
        with pytest.raises(AssertionError):
            judge_rest(request, RestAnswer(status=422, headers={**said, **other}, body=body))


def judge_end(num_bytes: int, status: str, details: str) -> str:
    """The outcome of a gRPC call with a body of so many bytes."""
    fields = {"model_name": "tiny", "input": {"body": b"x" * num_bytes}}
    request = GrpcRequest(door="gRPC", target=TINY, method="x", fields=fields)
    return judge_grpc(request, GrpcAnswer(status=status, details=details))


def test_a_call_that_is_too_long_is_cancelled_or_its_stream_refused() -> None:
    refused = "Stream removed (RST_STREAM (Received RST_STREAM with error code 7))"
    assert judge_end(2**20, "CANCELLED", "") == "CANCELLED, TorchServe's"
    assert judge_end(2**20, "UNAVAILABLE", refused) == "UNAVAILABLE, TorchServe's"
    for num_bytes, details in ((2**20, "Connection reset by peer"), (100, refused)):
        with pytest.raises(AssertionError):
            judge_end(num_bytes, "UNAVAILABLE", details)


def test_a_type_that_is_asked_for_twice_is_answered_once() -> None:
    body = {"texts": ["a"], "embedding_types": ["base64", "float", "base64"]}
    assert judge_at("v2/embed", body, 200, {"embeddings": {"base64": ["AAAAPw=="], "float": [[0.5]]}}) == "200"
    with pytest.raises(AssertionError):
        judge_at("v2/embed", body, 200, {"embeddings": {"float": [[0.5]]}})


def test_whoever_sends_another_doors_url_path_may_get_its_dress() -> None:
    headers = (("URL_PATH", "v1/embeddings"),)
    error = {**ERROR, "code": 404, "type": "UnknownPath", "param": None}
    answer = RestAnswer(status=404, headers=HEADERS, body=json.dumps(error).encode())
    request = RestRequest(door="v1", target=TINY, path="/v1/models/tiny:predict", body=b"{}", headers=headers)
    assert judge_rest(request, answer) == "404 UnknownPath"
    with pytest.raises(AssertionError):
        judge_rest(RestRequest(door="v1", target=TINY, path=request.path, body=b"{}"), answer)


def judge_output(name: str, value: Any) -> str:
    """The outcome of a ModelInfer that is answered by one output of a text."""
    message = ModelInferResponse(model_name="tiny")
    output = message.outputs.add(name=name, datatype="BYTES", shape=[1])
    output.contents.bytes_contents.append(json.dumps(value).encode())
    fields = {"inputs": [{"name": "text", "shape": [1]}, {"name": "x", "shape": [1]}]}
    request = GrpcRequest(door="gRPC v2", target=TINY, method="x", fields=fields)
    return judge_grpc(request, GrpcAnswer(message=message))


def test_without_the_front_an_error_over_grpc_is_an_output() -> None:
    error = {**ERROR, "message": "unknown input 'x'", "param": "/inputs/1/name"}
    assert judge_output("predictions", RESULT) == "200"
    assert judge_output("error", error) == "422 InvalidInput"
    for name, value in (("predictions", error), ("error", RESULT), ("error", {**error, "message": "no"})):
        with pytest.raises((AssertionError, ValueError)):
            judge_output(name, value)


BLUNDERS: list[tuple[int, Any, dict[str, Any]]] = [
    (200, RESULT, {}),
    (200, [RESULT], {}),
    (200, [RESULT, {"label": "positive", "score": None}], {}),
    (200, [RESULT, RESULT], {"headers": {"x-truncated": "2"}}),
    (200, [RESULT, RESULT], {"headers": {"x-label": "na\xefve"}}),
    (200, [RESULT, RESULT], {"phrase": "na\xefve"}),
    (200, ERROR, {}),
    (400, ERROR, {}),
    (422, {**ERROR, "message": "that is wrong"}, {}),
    (422, {**ERROR, "message": " "}, {}),
    (422, {**ERROR, "message": "inputs" * 1000}, {}),
    (422, {"error": ERROR}, {}),
    (422, ERROR, {"path": "/v2/models/tiny/infer"}),
    (500, {**ERROR, "code": 500, "type": "InternalError"}, {}),
    (503, {"code": 503, "type": "InternalServerException", "message": "Prediction failed"}, {}),
    (500, {"code": 500, "type": "InternalServerException", "message": "Worker died."}, {}),
    (0, None, {}),
]


@pytest.mark.parametrize(("status", "value", "changed"), BLUNDERS)
def test_what_nobody_should_get(status: int, value: Any, changed: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        judge(status, value, **changed)
