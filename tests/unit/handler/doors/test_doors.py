"""What the doors share: which one is taken, what none of them reads, and that an answer or error fits."""

import math
import time

import pytest

from handler.config import Task
from handler.doors.call import limit_size
from handler.doors.paths import NOT_SERVED
from handler.doors.route import (
    CHECK,
    GRPC,
    KSERVE,
    METADATA,
    NATIVE,
    NOWHERE,
    ROOTS,
    UNSERVED,
    Door,
    choose_door,
    open_call,
)
from handler.errors import DeadlineExceeded, InvalidInput, NotNow
from handler.parameters import ExplanationParameters
from handler.payload import ModelIdentity, Prediction, Rejected, Request
from handler.tasks import TASKS
from handler.tasks.embeddings import EmbeddingParameters
from tests.support.calls import (
    EXPLAIN,
    MODEL_INFER,
    OPENAI_HEADERS,
    REST,
    answer,
    ask,
    grpc_body,
    infer,
    read,
    refused,
    tensor,
)


@pytest.mark.parametrize(
    ("headers", "door"),
    [
        ({"explain": "False", "url_path": ""}, NATIVE),
        ({"explain": "True", "url_path": ""}, NATIVE),
        ({"explain": "False"}, KSERVE),
        ({"explain": "True"}, KSERVE),
        ({"explain": "False", "url_path": "v1/embeddings"}, ROOTS["v1/embeddings"]),
        ({"explain": "True", "url_path": "v1/embeddings"}, NOWHERE),
        ({"explain": "False", "url_path": "check"}, CHECK),
        ({"explain": "False", "url_path": "v2"}, METADATA),
        ({"explain": "True", "url_path": "check"}, NOWHERE),
        ({"explain": "False", "url_path": "v2/infer"}, KSERVE),
        ({"explain": "True", "url_path": "v2/infer"}, KSERVE),
        ({"explain": "False", "url_path": "v1/models"}, NOWHERE),
        ({}, NATIVE),
        ({"body": {"content-type": ""}}, NATIVE),
        ({"body": {"content-type": ""}, "explain": {"content-type": ""}}, NATIVE),  # gRPC, with an input of that name
        (MODEL_INFER, GRPC),
        ({**REST, "body": "x", "url_path": ""}, NATIVE),
        ({"body": {"content-type": ""}, "content-length": "0"}, UNSERVED),
        ({"explain": {"content-type": ""}, "Host": "x"}, UNSERVED),  # a form with a field of that name
        ({"url_path": "v1/embeddings", "Host": "x"}, UNSERVED),  # a client's own
    ],
)
def test_the_frontends_own_headers_tell_the_door(headers: dict[str, object], door: Door) -> None:
    assert choose_door(headers) is door


def test_an_address_where_the_frontend_adds_nothing_is_refused_in_words() -> None:
    error, body = refused({"inputs": "a"}, {"body": {"content-type": "application/json"}, "Host": "x"})
    assert (error.status, body["type"], body["message"]) == (404, "UnknownPath", NOT_SERVED)


SENT = [
    ({"inputs": "a"}, {**REST, "url_path": ""}),
    ({"instances": ["a"]}, REST),
    (infer(tensor("text", "a")), REST),
    ({"input": "a"}, OPENAI_HEADERS),
]


@pytest.mark.parametrize(("body", "headers"), SENT)
def test_every_door_reads_when_a_requests_time_is_over(body: object, headers: dict[str, str]) -> None:
    over_s = time.time() + 60
    left_s = read(body, {**headers, "X-Deadline-Ms": f"{over_s * 1000:.0f}"}).deadline_s - time.monotonic()
    assert 50 < left_s < 61
    assert read(body, headers).deadline_s == math.inf
    for value in ("soon", "-1", "1.5", "", "9" * 100):
        error, _ = refused(body, {**headers, "x-deadline-ms": value})
        assert (error.status, error.message) == (
            422,
            "the header x-deadline-ms is not a number of milliseconds since 1970",
        )


@pytest.mark.parametrize(("body", "headers"), SENT)
def test_who_may_come_again_is_told_when(body: object, headers: dict[str, str]) -> None:
    reply = ask(body, headers).reply
    for kind in (NotNow, DeadlineExceeded):
        assert reply.format_error(kind("later")).headers == {"retry-after": "1"}
    assert reply.format_error(InvalidInput("never")).headers == {}


def test_an_input_over_grpc_is_no_deadline() -> None:
    assert read({"inputs": "a"}, {"x-deadline-ms": {"content-type": ""}}).deadline_s == math.inf


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


def test_an_error_holds_nothing_of_the_body() -> None:
    """Its frames would, in a cycle: gigabytes for a batch of bad requests of 1 MB."""
    for headers, body in ((OPENAI_HEADERS, {"input": [["a"]]}), (REST, infer()), (REST, b"{"), (MODEL_INFER, b"{}")):
        error, _ = refused(body, headers)
        assert (error.__traceback__, error.__context__) == (None, None)


@pytest.mark.parametrize("headers", [REST, OPENAI_HEADERS])
def test_other_doors_read_json_only(headers: dict[str, str]) -> None:
    assert refused(b"", headers)[0].status == 400
    assert refused(b"{}", {**headers, "Content-Type": "text/plain"})[0].status == 415
    assert refused(b"{}", {**headers, "Content-Type": "application/json; charset=utf-16"})[0].status == 415
    model = ModelIdentity(name="m", version="1.0", contract=TASKS[Task.EMBEDDINGS])
    for fields in ({}, {"data": b"x"}, {"body": b"{}", "data": b"x"}):
        item = open_call(fields, headers, model).item
        assert isinstance(item, Rejected)
        assert item.error.status == 415


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"instances": ["a"]}, REST),
        (infer(tensor("text", "a")), REST),
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
