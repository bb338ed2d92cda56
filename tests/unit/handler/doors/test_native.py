"""The native door: what is read, and that everything else gets its own error, naming the place."""

import json

import pytest

from handler.config import MAX_INPUTS_PER_REQUEST, ScoreFunction, Task
from handler.doors.call import Call, format_value, limit_size
from handler.doors.native import NativeReply
from handler.doors.route import open_call
from handler.errors import InvalidInput
from handler.payload import Answered, DeepCheck, Item, Prediction, Rejected, Request
from handler.tasks.text_classification import ClassificationParameters
from tests.support.standin_model import identify

JSON = {"content-type": "application/json"}
ADDED = {"explain": "False", "url_path": ""}
REST = {**JSON, **ADDED}


def opened(fields: dict[str, object], headers: dict[str, str], task: Task) -> Call:
    return open_call(fields, headers, identify(task))


def parse(body: object, headers: dict[str, str] | None = None, task: Task = Task.TEXT_CLASSIFICATION) -> Item:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return opened({"body": raw}, headers or REST, task).item


def test_one_text_and_a_list() -> None:
    single, several = parse({"inputs": "a"}), parse({"inputs": ["a", {"text": "b", "text_pair": "c"}]})
    assert isinstance(single, Request)
    assert [text.text for text in single.inputs] == ["a"]
    assert isinstance(several, Request)
    assert [(text.text, text.text_pair, text.param) for text in several.inputs] == [
        ("a", None, "/inputs/0"),
        ("b", "c", "/inputs/1"),
    ]


def test_parameters_are_read() -> None:
    request = parse({"inputs": "a", "parameters": {"top_k": None, "function_to_apply": "none", "truncation": False}})
    assert isinstance(request, Request)
    assert request.parameters == ClassificationParameters(
        top_k=None, function_to_apply=ScoreFunction.NONE, truncation=False
    )


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({"body": b"plain"}, {**ADDED, "Content-Type": "text/plain; charset=UTF-8"}),
        ({"body": b"plain"}, {**ADDED, "Content-Type": "text/plain; charset=ascii"}),
        ({"data": b"plain"}, {}),  # gRPC, or a form field
        ({"data": "plain"}, {**ADDED, "content-type": "multipart/form-data"}),
        ({"body": b'{"inputs": "plain"}'}, {}),  # gRPC: a body is JSON
    ],
)
def test_other_ways_to_send_one_text(fields: dict[str, object], headers: dict[str, str]) -> None:
    request = opened(fields, headers, Task.EMBEDDINGS).item
    assert isinstance(request, Request)
    assert [text.text for text in request.inputs] == ["plain"]


@pytest.mark.parametrize(
    ("body", "task", "text", "pair"),
    [
        ({"text": "a"}, Task.TEXT_CLASSIFICATION, "a", None),
        ({"text": "a", "text_pair": "b"}, Task.TEXT_CLASSIFICATION, "a", "b"),
        ({"data": "a"}, Task.TEXT_CLASSIFICATION, "a", None),
        ({"question": "a", "context": "b"}, Task.QUESTION_ANSWERING, "a", "b"),  # its sample_text.txt
    ],
)
def test_torchserves_examples_send_an_input_bare(body: object, task: Task, text: str, pair: str | None) -> None:
    for headers in (REST, {"explain": "False", "url_path": ""}, {**REST, "explain": "True"}):
        call = opened({"body": json.dumps(body).encode()}, headers, task)
        assert isinstance(call.item, Request)
        assert [(source.text, source.text_pair) for source in call.item.inputs] == [(text, pair)]
        assert call.reply == NativeReply()


def test_torchserves_examples_name_a_target_beside_the_text() -> None:
    for body in ({"text": "a", "target": 1}, {"data": "a", "target": 1}, {"inputs": "a", "target": 1}):
        rejected = parse(body, {**REST, "explain": "True"})
        assert isinstance(rejected, Rejected)
        assert 'put it among the parameters ("parameters": {"target": ...})' in rejected.error.message


@pytest.mark.parametrize("text", ["Bloomberg has reported", "  été\n", "true story", "data were lost", "NaNs"])
def test_a_text_that_is_no_json_needs_no_type(text: str) -> None:
    request = opened({"body": text.encode()}, {"explain": "False", "url_path": ""}, Task.EMBEDDINGS).item
    assert isinstance(request, Request)
    assert [source.text for source in request.inputs] == [text]


@pytest.mark.parametrize(
    "text", ["[Laughter]", "123", '"a"', "true", "None\n", "inputs: a", "data=a", "{a", "-", "\u201ca"]
)
def test_what_could_be_meant_otherwise_needs_one(text: str) -> None:
    rejected = opened({"body": text.encode()}, {"explain": "False", "url_path": ""}, Task.EMBEDDINGS).item
    assert isinstance(rejected, Rejected)
    assert "send" in rejected.error.message


def test_describe_is_for_requests_without_fields() -> None:
    """Any client can send this header: it must not change what a prediction is."""
    item = opened({}, {"describe": "True"}, Task.TEXT_CLASSIFICATION).item
    assert isinstance(item, Answered)
    assert not item.is_users
    assert item.value == {
        "model": "m",
        "version": "1.0",
        "task": "text-classification",
        "engine": "none",
        "precision": "fp32",
        "max_tokens": 8,
        "token_budget": 4096,
        "labels": ("bad", "good", "so so"),
    }
    assert isinstance(parse({"inputs": "a"}, {**REST, "describe": "True"}), Request)


@pytest.mark.parametrize(
    "body",
    [
        {"\x7f" * 100_000: 1, "inputs": "a"},
        {"inputs": {"\x7f" * 100_000: 1}},
        {"inputs": "a", "parameters": {"\x7f" * 100_000: 1}},
        {"inputs": "a", "parameters": {"function_to_apply": "\x7f" * 100_000}},
    ],
    ids=["key", "key of an input", "parameter", "value"],
)
def test_errors_quote_only_the_beginning_of_what_was_sent(body: object) -> None:
    rejected = parse(body)
    assert isinstance(rejected, Rejected)
    assert len(NativeReply().format_error(rejected.error).body) < 2000


def test_a_response_over_the_limit_becomes_an_error() -> None:
    assert limit_size(format_value("x" * 98), NativeReply(), 100).status == 200
    assert limit_size(format_value("x" * 99), NativeReply(), 100).status == 413


CHECK = {"explain": "False", "url_path": "check"}


def test_the_deep_check_has_an_address_of_its_own_and_no_body() -> None:
    assert opened({"body": bytearray(b"")}, CHECK, Task.EMBEDDINGS).item == DeepCheck()
    for name in ("body", "data"):
        item = opened({name: b'{"inputs": "a"}'}, CHECK, Task.EMBEDDINGS).item
        assert isinstance(item, Rejected)
        assert "a deep check has no body" in item.error.message


LONG_LIST = ["x"] * (MAX_INPUTS_PER_REQUEST + 1)
BAD_BODIES: list[tuple[object, int, str | None, str]] = [
    (b"{nonsense", 400, None, "not JSON"),
    (b"[" * 100_000, 400, None, "not JSON"),
    (b'{"inputs": "\xff"}', 400, None, "not UTF-8"),
    (b'{"inputs": "\\ud800"}', 400, None, "not JSON"),
    (None, 422, None, 'keys inputs and parameters: send {"inputs": "your text"}'),
    ("text", 422, None, 'keys inputs and parameters: send {"inputs": "your text"}'),
    (
        {},
        422,
        "/inputs",
        'inputs is missing; a request has the keys inputs and parameters: send {"inputs": "your text"}',
    ),
    ({"text": "a", "more": 1}, 422, "/text", "unknown key 'text'; a request has the keys inputs and parameters: send"),
    ({"text": 5}, 422, "/text", "text: expected string"),
    ({"text_pair": "a"}, 422, "/text", "text is missing"),
    ({"data": 5}, 422, "/data", "unknown key 'data'; a request has the keys inputs and parameters: send"),
    ({"inputs": "a", "options/x": 1}, 422, "/options~1x", "options/x"),
    ({"inputs": "a", "top_k": 1}, 422, "/top_k", 'put it among the parameters ("parameters": {"top_k": ...})'),
    ({"inputs": "a", "truncate": True}, 422, "/truncate", "give it the base_url /predictions/{model}/{version}/hf"),
    ({"inputs": []}, 422, "/inputs", "length >= 1"),
    ({"inputs": LONG_LIST}, 413, "/inputs", str(MAX_INPUTS_PER_REQUEST)),
    ({"inputs": 5}, 422, "/inputs", "got integer"),
    ({"inputs": None}, 422, "/inputs", "got null"),
    ({"inputs": ["a", 5]}, 422, "/inputs/1", "got integer"),
    ({"inputs": ["a", ["b"]]}, 422, "/inputs/1", "got array"),
    ({"inputs": {"text_pair": "b"}}, 422, "/inputs/text", "inputs.text is missing"),
    ({"inputs": {"text": "a", "text_pair": 1}}, 422, "/inputs/text_pair", "expected string or null"),
    ({"inputs": {"text": "a", "label": "b"}}, 422, "/inputs/label", "'label'"),
    ({"inputs": "a", "parameters": []}, 422, "/parameters", "expected object"),
    ({"inputs": "a", "parameters": {"topk": 1}}, 422, "/parameters/topk", "top_k"),
    ({"inputs": "a", "parameters": {"top_k": 0}}, 422, "/parameters/top_k", ">= 1"),
    ({"inputs": "a", "parameters": {"top_k": True}}, 422, "/parameters/top_k", "got boolean"),
    ({"inputs": "a", "parameters": {"truncation": "yes"}}, 422, "/parameters/truncation", "expected boolean"),
    ({"inputs": "a", "parameters": {"function_to_apply": "relu"}}, 422, "/parameters/function_to_apply", "softmax"),
    ({"inputs": "a", "parameters": {"threshold": {"x": "y"}}}, 422, "/parameters/threshold", "expected number"),
]


@pytest.mark.parametrize(("body", "status", "param", "part"), BAD_BODIES, ids=[str(row[0])[:40] for row in BAD_BODIES])
def test_bad_body_gets_its_own_error(body: object, status: int, param: str | None, part: str) -> None:
    rejected = parse(body)
    assert isinstance(rejected, Rejected)
    assert (rejected.error.status, rejected.error.param) == (status, param)
    assert part in rejected.error.message


@pytest.mark.parametrize(
    ("fields", "headers", "status", "part"),
    [
        ({}, {"explain": "False", "url_path": ""}, 415, "-H 'content-type: application/json'"),  # curl -d arrives so
        ({}, {}, 422, "input `body`"),  # gRPC
        ({"body": b""}, {}, 400, "the body is empty: send JSON in the input `body`"),
        ({"body": b""}, REST, 400, "a deep check is GET /predictions/{model}/{version}/check"),  # a GET arrives so
        ({"body": b""}, {**REST, "content-type": "text/plain"}, 400, "the body is empty"),
        ({"body": b""}, {**REST, "explain": "True", "url_path": "check"}, 404, "check"),
        ({"body": b"x"}, {**REST, "content-type": "image/png"}, 415, "image/png"),
        ({"body": b"x"}, {**REST, "content-type": "text/plain; charset=latin-1"}, 415, "latin-1"),
        ({"body": b"x"}, {**REST, "content-type": "application/json; charset*=a; charset*0=b"}, 400, "not JSON"),
        ({"body": b"x"}, {**REST, "content-type": f"application/json; charset*{'9' * 5000}=x"}, 400, "not JSON"),
        ({"body": b"\xff"}, {**REST, "content-type": "text/plain"}, 400, "UTF-8"),
        ({"body": {"inputs": "x"}}, REST, 500, "decode_input_request=false"),
        ({"body": b"x", "top_k": b"1"}, REST, 422, "top_k"),
        ({"text": b"x"}, {}, 422, "text"),
        ({"body": b"x", "data": b"x"}, {}, 422, "one of them"),
        ({"body": b'{"inputs": "x"}'}, {**REST, "url_path": "v1/models"}, 404, "v1/models"),
        ({"body": b'{"input": "x"}'}, {**REST, "explain": "True", "url_path": "v1/embeddings"}, 404, "v1/embeddings"),
        ({"body": b'{"inputs": "x"}'}, {**REST, "explain": "True"}, 404, "explanations"),
    ],
)
def test_bad_envelope(fields: dict[str, object], headers: dict[str, str], status: int, part: str) -> None:
    rejected = opened(fields, headers, Task.EMBEDDINGS).item
    assert isinstance(rejected, Rejected)
    assert rejected.error.status == status
    assert part in rejected.error.message


def test_parameters_that_are_null_are_absent() -> None:
    """Where one is needed, that one is missing."""
    assert parse({"inputs": "a", "parameters": None}) == parse({"inputs": "a"})
    rejected = parse({"inputs": "a", "parameters": None}, task=Task.ZERO_SHOT_CLASSIFICATION)
    assert isinstance(rejected, Rejected)
    assert rejected.error.param == "/parameters/candidate_labels"


def test_pairs_are_for_tasks_that_read_pairs() -> None:
    rejected = parse({"inputs": {"text": "a", "text_pair": "b"}}, task=Task.EMBEDDINGS)
    assert isinstance(rejected, Rejected)
    assert "'text_pair'" in rejected.error.message


def test_predictions_keep_the_shape_of_the_inputs() -> None:
    first = Prediction(value=[0.5], num_tokens=3, is_truncated=False)
    cut = Prediction(value=[1.5], num_tokens=4, is_truncated=True)
    assert NativeReply().format_predictions([first]).body == b"[0.5]"
    several = NativeReply(is_list=True).format_predictions([first, cut])
    assert several.body == b"[[0.5],[1.5]]"
    assert several.headers == {"x-compute-tokens": "7", "x-truncated": "1"}


def test_error_body_follows_the_contract() -> None:
    response = NativeReply().format_error(InvalidInput('a "bad"\r\ntext', "/inputs/3"))
    assert json.loads(response.body) == {
        "code": 422,
        "type": "InvalidInput",
        "message": 'a "bad"\r\ntext',
        "param": "/inputs/3",
    }
    assert response.phrase.isascii()
    assert response.headers == {}
