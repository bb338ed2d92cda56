"""Bodies, headers and paths that no client library would send, to every door that reads bytes."""

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest

from berth.errors import BerthError
from handler.config import Task
from tests.support.clients import Answer, Model
from tests.support.clients.grpc_calls import send_grpc
from tests.support.clients.infer_rest import V2, to_body
from tests.support.clients.rest import JSON, NATIVE, OPENAI, V1, RestDoor, post
from tests.support.scrape import settled
from tests.support.servers import Server

from .errors import NASTY, LeftOut

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("same_worker")]

MODEL = Task.EMBEDDINGS
REST: dict[str, RestDoor] = {"native": NATIVE, "KServe v1": V1, "v2": V2, "OpenAI": OPENAI}
GRPC = {"gRPC Predictions": "Predictions", "gRPC StreamPredictions": "StreamPredictions"}
VALID = {
    "native": json.dumps({"inputs": ["a"]}).encode(),
    "KServe v1": json.dumps({"instances": ["a"]}).encode(),
    "v2": json.dumps(to_body(["a"])).encode(),
    "OpenAI": json.dumps({"input": ["a"]}).encode(),
} | dict.fromkeys(GRPC, json.dumps({"inputs": ["a"]}).encode())
NO_CONTENT_TYPE = LeftOut(doors=tuple(GRPC), why="a call has no headers")


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyCase:
    """What becomes of a good body before it is sent, and the error that it gets."""

    name: str
    change: Callable[[bytes], bytes] = bytes
    headers: dict[str, str] = field(default_factory=lambda: JSON)
    status: int
    kind: str
    says: str
    param: str | None = None
    left_out: LeftOut | None = None

    def is_sent_to(self, door: str) -> bool:
        """Whether the door can be sent this."""
        return self.left_out is None or door not in self.left_out.doors


def instead(text: bytes) -> Callable[[bytes], bytes]:
    """The body with this in the place of its text, quotes included."""
    return lambda body: body.replace(b'"a"', text)


def besides(key: str, value: bytes) -> Callable[[bytes], bytes]:
    """The body with one more key."""
    return lambda body: body[:-1] + b", " + json.dumps(key).encode() + b": " + value + b"}"


def not_parseable(name: str, change: Callable[[bytes], bytes], says: str = "not JSON") -> BodyCase:
    return BodyCase(name=name, change=change, status=400, kind="NotParseable", says=says)


def media_type(content_type: str, says: str, body: bytes | None = None) -> BodyCase:
    return BodyCase(
        name=content_type,
        change=bytes if body is None else lambda _: body,
        headers={"content-type": content_type},
        status=415,
        kind="UnsupportedMedia",
        says=says,
        left_out=NO_CONTENT_TYPE,
    )


def encoded(encoding: str, change: Callable[[bytes], bytes], status: int, says: str) -> BodyCase:
    return BodyCase(
        name=f"{encoding}, {says}",
        change=change,
        headers={**JSON, "content-encoding": encoding},
        status=status,
        kind={400: "NotParseable", 413: "RequestTooLarge", 415: "UnsupportedMedia"}[status],
        says=says,
        left_out=NO_CONTENT_TYPE,
    )


def unknown_key(key: str, param: str | None) -> BodyCase:
    return BodyCase(
        name=f"key {key[:20]!r}",
        change=besides(key, b"1"),
        status=422,
        kind="InvalidInput",
        says=repr(key)[:50],
        param=param,
    )


def no_object(body: bytes) -> BodyCase:
    return BodyCase(
        name=body.decode(),
        change=lambda _: body,
        status=422,
        kind="InvalidInput",
        says="expected object",
    )


CASES = [
    not_parseable("empty", lambda _: b"", "the body is empty"),
    not_parseable("cut off", lambda body: body[:-3]),
    not_parseable("more behind its end", lambda body: body + b"{}"),
    not_parseable("not UTF-8", instead(b'"\xff"'), "0xff"),
    not_parseable("UTF-16", lambda body: body.decode().encode("utf-16"), "the body is UTF-16LE"),
    not_parseable("two lines", lambda body: body + b"\n" + body, "a JSON value in each line"),
    not_parseable("a text", lambda _: b"hello world"),
    BodyCase(name="gzip", change=gzip.compress, status=415, kind="UnsupportedMedia", says="compressed ('gzip')"),
    encoded("gzip", lambda body: gzip.compress(body)[:-9], 400, "it ends too early"),
    encoded(
        "gzip", lambda body: gzip.compress(body + b" " * 2**21), 413, "more than 1048576 bytes once it is unpacked"
    ),
    encoded("br", bytes, 415, "send one of gzip, deflate, or none"),
    not_parseable("control characters in a string", instead(b'"a\r\nb\0"')),
    not_parseable("half of a surrogate pair", instead(b'"\\ud800"'), "half of a surrogate pair"),
    not_parseable("half of a surrogate pair in bytes", instead(b'"\xed\xa0\x80"'), "half of a surrogate pair"),
    not_parseable("deep", instead(b"[" * 100_000)),
    not_parseable("deep and closed", instead(b"[" * 100_000 + b"]" * 100_000)),
    not_parseable("NaN", besides("parameters", b'{"dimensions": NaN}')),
    media_type("image/png", "'image/png'", b"\x89PNG\r\n"),
    media_type("application/\xe9\xff", "'application/\xe9\xff'"),
    media_type("application/json; charset=iso-8859-1", "'iso-8859-1'"),
    media_type("application/x-www-form-urlencoded", "application/json"),  # curl -d sends it by itself
    media_type("multipart/form-data; boundary=b", "application/json", b"--b--\r\n"),
    unknown_key("more", "/more"),
    unknown_key(NASTY, f"/{NASTY}"),
    unknown_key("a/b~c", "/a~1b~0c"),
    unknown_key("m" * 500_000, None),
    no_object(b"[1]"),
    no_object(b"null"),
    no_object(b'"text"'),
]
SENT = [
    pytest.param(case, door, id=f"{case.name}, {door}") for case in CASES for door in VALID if case.is_sent_to(door)
]


def send(door: str, model: Model, body: bytes, headers: dict[str, str]) -> Answer:
    return send_grpc(model, body, GRPC[door]) if door in GRPC else REST[door].send(model, body, headers)


def assert_error(answer: Answer, status: int, kind: str, param: str | None) -> str:
    """The message of an error that is as expected."""
    assert answer.error is not None, answer
    assert (answer.status, answer.error["type"], answer.error["param"]) == (status, kind, param)
    return str(answer.error["message"])


@pytest.mark.parametrize(("case", "door"), SENT)
def test_a_bad_body(model: Model, case: BodyCase, door: str) -> None:
    answer = send(door, model, case.change(VALID[door]), case.headers)
    assert case.says in assert_error(answer, case.status, case.kind, case.param)


@pytest.mark.parametrize("door", VALID)
def test_the_good_body_is_one(model: Model, door: str) -> None:
    assert len(send(door, model, VALID[door], JSON).results or []) == 1
    assert len(send(door, model, VALID[door], {}).results or []) == 1  # without a content type it is JSON
    assert len(send(door, model, b"\xef\xbb\xbf" + VALID[door], JSON).results or []) == 1  # the mark of UTF-8
    assert len(send(door, model, VALID[door], {"content-type": 'Application/JSON;charset="UTF-8"'}).results or []) == 1


@pytest.mark.parametrize("door", REST)
def test_a_body_over_the_servers_limit_is_413_and_names_the_limit(model: Model, door: str) -> None:
    response = post(REST[door].url(model), instead(b'"' + b"a" * 2**20 + b'"')(VALID[door]), JSON)
    assert response.status_code == 413
    assert "longer than the 1048576 bytes" in str(
        response.json()["error"] if door in {"v2", "OpenAI"} else response.json()["message"]
    )


@pytest.mark.parametrize("door", GRPC)
def test_a_message_over_the_servers_limit_ends_the_call(model: Model, door: str) -> None:
    with pytest.raises(BerthError, match=r"CANCELLED|RESOURCE_EXHAUSTED|UNAVAILABLE"):
        send_grpc(model, instead(b'"' + b"a" * 2**20 + b'"')(VALID[door]), GRPC[door])


@pytest.mark.parametrize("door", REST)
def test_a_compressed_body_that_says_so_is_read(model: Model, door: str) -> None:
    for encoding, body in (("gzip", gzip.compress(VALID[door])), ("deflate", zlib.compress(VALID[door]))):
        answer = REST[door].send(model, body, {**JSON, "content-encoding": encoding})
        assert len(answer.results or []) == 1, answer


@pytest.mark.parametrize("door", REST)
def test_a_request_whose_time_is_over_may_come_again(model: Model, tasks_server: Server, door: str) -> None:
    settled(tasks_server)  # where one is under way, the front refuses who has no time to wait
    answer = REST[door].send(model, VALID[door], {**JSON, "x-timeout-ms": "1"})
    assert "time was over" in assert_error(answer, 503, "DeadlineExceeded", None)
    assert answer.headers["retry-after"] == "1"
    assert len(REST[door].send(model, VALID[door], {**JSON, "x-timeout-ms": "300000"}).results or []) == 1


@pytest.mark.parametrize("path", ["elsewhere", "v1", "v1/embeddings/more", "\r\n\t\x1bé😀"])
def test_a_path_behind_the_version(model: Model, path: str) -> None:
    elsewhere = RestDoor(path=f"/predictions/{{name}}/{{version}}/{quote(path)}", take=list, refuse=NATIVE.refuse)
    assert repr(path) in assert_error(elsewhere.send(model, VALID["native"]), 404, "UnknownPath", None)


@pytest.mark.parametrize("path", ["/predictions/{}", "/v1/models/{}:predict", "/v2/models/{}/infer"])
def test_a_model_that_is_not_there(model: Model, path: str) -> None:
    """TorchServe's own answer quotes the name; what stands in a line of its log or of its answer must not end it."""
    response = post(model.url + path.format(quote(NASTY, safe="")), VALID["native"], JSON)
    assert (response.status_code, response.json()["code"]) == (404, 404)
    assert NASTY in response.json()["message"]


@pytest.mark.parametrize("door", ["KServe v1", "v2"])
@pytest.mark.parametrize(("url_path", "status"), [("", 422), ("elsewhere", 404), ("\xe9\xff", 404)])
def test_a_clients_url_path_looks_native(model: Model, door: str, url_path: str, status: int) -> None:
    """TorchServe's own header tells v1 and v2 from the rest: with a client's, a body is refused by its shape."""
    response = post(REST[door].url(model), VALID[door], {**JSON, "url_path": url_path})
    assert NATIVE.read(response).status == status


@pytest.mark.parametrize("door", REST)
def test_headers_that_torchserve_sets_itself(model: Model, door: str) -> None:
    """A client's are overwritten, or say nothing."""
    headers = {**JSON, "explain": "True", "describe": "True", "ts_stream_next": "true", "body": "x"}
    assert len(REST[door].send(model, VALID[door], headers).results or []) == 1


@pytest.mark.parametrize("name", ["text", "é😀", "a\r\n\tb"])
def test_a_form_field_of_another_name(model: Model, name: str) -> None:
    body = f'--b\r\ncontent-disposition: form-data; name="{name}"\r\n\r\na\r\n--b--\r\n'.encode()
    answer = NATIVE.send(model, body, {"content-type": "multipart/form-data; boundary=b"})
    assert answer.error is not None
    assert (answer.status, answer.error["type"]) == (422, "InvalidInput")
