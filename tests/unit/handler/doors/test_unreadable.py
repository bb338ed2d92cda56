"""What a body is, if it is not what it was sent as, and that the error says what to send."""

import gzip
import json
from typing import Any

import pytest

from handler.config import Task
from handler.contract import Contract
from handler.doors.route import open_call
from handler.payload import ModelIdentity, Rejected, Request
from handler.tasks import TASKS
from tests.support.calls import OPENAI_HEADERS, REST, infer, read, refused, tensor

NATIVE = {"explain": "False", "url_path": ""}
JSON = {"Content-Type": "application/json"}
TEXT = {"Content-Type": "text/plain"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BODY = b'{"inputs": "caf\xc3\xa9"}'
LATIN = "iconv -f WINDOWS-1252 -t UTF-8 FILE | curl -H 'content-type: {}' --data-binary @-"
SEND_JSON = (
    "send JSON with its content type (curl -H 'content-type: application/json' -d '{\"inputs\": \"your text\"}')"
)
SEND_TEXT = "or one text with its own (curl -H 'content-type: text/plain' -T FILE)"
SEEN: list[tuple[bytes, dict[str, str], int, tuple[str, ...]]] = [
    (
        gzip.compress(BODY, mtime=0),
        JSON,
        415,
        ("compressed ('gzip'): say so (content-encoding: gzip)", "gunzip -c FILE | curl -H 'content-type: application"),
    ),
    (
        gzip.compress(BODY, mtime=0),
        TEXT,
        415,
        ("compressed ('gzip')", "gunzip -c FILE | curl -H 'content-type: text/plain'"),
    ),
    (b"\x28\xb5\x2f\xfd\x04", {}, 415, ("compressed ('zstd')",)),
    (BODY.decode().encode("utf-16"), JSON, 400, ("the body is UTF-16LE", "iconv -f UTF-16LE -t UTF-8 FILE | curl")),
    (BODY.decode().encode("utf-16-le"), {}, 400, ("the body is UTF-16LE",)),
    (BODY.decode().encode("utf-16-be"), {}, 400, ("the body is UTF-16BE",)),
    (BODY.decode().encode("utf-32"), {}, 400, ("the body is UTF-32LE",)),
    ("é".encode("utf-16"), TEXT, 400, ("the text is UTF-16LE", "curl -H 'content-type: text/plain'")),
    (b"hello".decode().encode("utf-16-be"), TEXT, 400, ("the text is UTF-16BE",)),
    (
        b'{"inputs": "caf\xe9"}',
        JSON,
        400,
        ("not UTF-8: at byte 15 is 0xe9, 'é' in Windows-1252", LATIN.format("application/json")),
    ),
    (b"caf\xe9", TEXT, 400, ("the text is not UTF-8: at byte 3 is 0xe9, 'é'", LATIN.format("text/plain"))),
    (b"\x81", TEXT, 400, ("at byte 0 is 0x81; send UTF-8",)),
    (
        b'{"inputs": "\xed\xa0\xbd"}',
        JSON,
        400,
        ("at byte 12 is half of a surrogate pair, as of an emoji", "toWellFormed()"),
    ),
    (b'{"inputs": "a\\ud83d"}', JSON, 400, (r"\ud83d is half of a surrogate pair", "toWellFormed()")),
    (b'{"inputs": "\\ud83d\\ude00 \\ude00\\ud83d"}', JSON, 400, (r"\ude00 is half of a surrogate pair",)),
    (b'{"inputs": ["\\\\ud83d", "\\ud83d"]}', JSON, 400, (r"\ud83d is half of a surrogate pair",)),
    (b'{"inputs": "\\ud83d', JSON, 400, ("it ends too early", SEND_JSON)),
    (
        b'{"inputs": "a"}\n{"inputs": "b"}\n\n',
        JSON,
        400,
        ("has a JSON value in each line", '{"inputs": ["your text"]}'),
    ),
    (b'"a"\r\n"b"\r\n"c"', {}, 400, ("has a JSON value in each line",)),
    (b'{"inputs": "a"}\nb', JSON, 400, ('trailing characters at byte 17, near \'{"inputs": "a"}\\nb\'',)),
    (b"{'inputs': 'a'}", JSON, 400, ("double quotes", "json=, not data=", "--data-binary @FILE")),
    (b"'{inputs: a}'", JSON, 400, ("double quotes", "on Windows")),
    (b"{inputs: a}", JSON, 400, ("double quotes",)),
    (b'{"inputs": NaN}', JSON, 400, ("invalid character at byte 11, near '{\"inputs\": NaN}'", SEND_JSON)),
    (
        b"(hello) world\n",
        {},
        400,
        ("has no content type and is not JSON", "byte 0, near '(hello) world", SEND_JSON, SEND_TEXT),
    ),
    (b"[Laughter] hello", {}, 400, ("has no content type", SEND_TEXT)),
    (b"hello", JSON, 400, ("the body is not JSON", SEND_JSON)),
    (
        b'{"inputs": "a"}',
        TEXT,
        422,
        ("the text would be read as one text, and is a JSON object with 'inputs'", SEND_JSON),
    ),
    (b' {"input": ["a"], "model": "b"}', TEXT, 422, ("a JSON object with 'input'",)),
    (b"x", {"Content-Type": "image/png"}, 415, ("content-type 'image/png'", SEND_JSON, SEND_TEXT)),
    (b"x", {"Content-Type": "text/plain; charset=latin-1"}, 415, ("charset 'latin-1'", "send UTF-8")),
    (b"", {**JSON, "explain": "True"}, 404, ("explanations",)),
]


@pytest.mark.parametrize(("body", "headers", "status", "parts"), SEEN, ids=[str(row[0])[:40] for row in SEEN])
def test_it_says_what_it_saw_and_what_to_send(
    body: bytes, headers: dict[str, str], status: int, parts: tuple[str, ...]
) -> None:
    error, _ = refused(body, {**NATIVE, **headers})
    assert (error.status, error.param) == (status, None)
    assert [part for part in parts if part not in error.message] == [], error.message
    assert len(error.message) < 500


@pytest.mark.parametrize(
    ("key", "headers"),
    [("inputs", NATIVE), ("inputs", {**NATIVE, **JSON}), ("instances", REST), ("input", OPENAI_HEADERS)],
)
def test_a_mark_of_utf_8_is_passed_over(key: str, headers: dict[str, str]) -> None:
    """Windows' editors write one before a file; RFC 8259 lets a reader of JSON ignore it."""
    found = read(b"\xef\xbb\xbf" + json.dumps({key: ["a"]}).encode(), headers)
    assert [source.text for source in found.inputs] == ["a"]


def test_a_text_begins_behind_its_mark() -> None:
    assert read(b"\xef\xbb\xbfna\xc3\xafve", {**NATIVE, **TEXT}).inputs[0].text == "naïve"


@pytest.mark.parametrize(
    "text", ['{"text": "a"}', '{"instruction": "a", "input": "b"}', "{inputs: a}", '["a"]', "a\0b", "{}"]
)
def test_any_other_text_is_one(text: str) -> None:
    """What stands in a text decides nothing, but for one that is a whole request."""
    assert read(text.encode(), {**NATIVE, **TEXT}).inputs[0].text == text


def opened(fields: dict[str, object], headers: dict[str, object], contract: Contract = TASKS[Task.EMBEDDINGS]) -> Any:
    return open_call(fields, headers, ModelIdentity(name="m", version="1.0", contract=contract)).item


@pytest.mark.parametrize(
    ("fields", "headers", "status", "parts"),
    [
        ({}, FORM, 415, ("arrived as a form, as curl -d sends it by itself", SEND_JSON, SEND_TEXT)),
        ({'{"inputs": "a': b"b", "c": b'd"}'}, FORM, 415, ("arrived as a form", SEND_JSON)),
        ({"inputs": b"a"}, FORM, 422, ("a form with the field 'inputs'", "only `data` is read", "json=, not data=")),
        ({"body": b"{}"}, {"Content-Type": "multipart/form-data; boundary=b"}, 422, ("a form with the field 'body'",)),
        ({"data": b'{"inputs": "a"}'}, FORM, 422, ("`data` would be read as one text", SEND_JSON)),
        ({}, {"Content-Type": "application/x-www-form-urlencoded; charset=ISO-8859-1"}, 415, ("arrived as a form",)),
        ({"data": b"caf\xe9"}, FORM, 400, ("`data` is not UTF-8",)),
        ({"data": gzip.compress(b"a", mtime=0)}, FORM, 415, ("`data` is compressed",)),
    ],
)
def test_forms(fields: dict[str, object], headers: dict[str, object], status: int, parts: tuple[str, ...]) -> None:
    item = opened(fields, {**NATIVE, **headers})
    assert isinstance(item, Rejected)
    assert item.error.status == status
    assert [part for part in parts if part not in item.error.message] == [], item.error.message


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({}, "the call has no input: send JSON in the input `body`, such as"),
        ({"text": b"a"}, "unknown input 'text': send JSON in the input `body`"),
        (
            {"body": b"hello"},
            'send JSON in the input `body`, such as {"inputs": "your text"}, or one text in the input `data`',
        ),
        ({"data": b'{"inputs": "a"}'}, "`data` would be read as one text"),
        ({"body": gzip.compress(b"{}", mtime=0)}, "send it as it was before"),
    ],
)
def test_grpc_is_told_of_its_inputs_and_not_of_curl(fields: dict[str, object], part: str) -> None:
    item = opened(fields, {name: {"content-type": ""} for name in fields})
    assert isinstance(item, Rejected)
    assert part in item.error.message
    assert "curl" not in item.error.message
    assert "content type" not in item.error.message


@pytest.mark.parametrize("task", Task)
@pytest.mark.parametrize("key", ["inputs", "instances"])
def test_what_an_error_says_to_send_is_read(task: Task, key: str) -> None:
    """The example of each task, out of the message for a request with a key that nobody knows."""
    headers = {**NATIVE, **JSON} if key == "inputs" else REST
    error, _ = refused({key: [None], "more": 1}, headers, task)
    example = error.message.partition(": send ")[2]
    assert isinstance(read(example.encode(), headers, task), Request), error.message


@pytest.mark.parametrize("task", Task)
def test_what_an_error_says_to_send_is_read_as_tensors(task: Task) -> None:
    error, _ = refused({}, REST, task)
    tensors, _, v1 = error.message.partition("; send ")[2].partition(", or to KServe v1 ")
    assert isinstance(read(v1.encode(), REST, task), Request)
    parameters = json.loads(v1).get("parameters", {})
    assert isinstance(read({**json.loads(tensors), "parameters": parameters}, REST, task), Request)


def test_a_task_that_reads_no_text_alone_is_not_told_to_send_one() -> None:
    for task in (
        Task.QUESTION_ANSWERING,
        Task.TEXT_RANKING,
        Task.ZERO_SHOT_CLASSIFICATION,
        Task.ZERO_SHOT_TOKEN_CLASSIFICATION,
    ):
        error, _ = refused(b"hello", NATIVE, task)
        assert "-T FILE" not in error.message
        assert json.loads(error.message.partition(" -d '")[2].rpartition("')")[0])["inputs"]


def test_parameters_in_a_tensor_are_an_object() -> None:
    error, _ = refused(infer(tensor("text", "a"), tensor("parameters", "{")))
    assert error.message == (
        'the tensor parameters is not JSON: it ends too early; send a JSON object, such as {"truncation": false}'
    )


def test_the_log_has_the_ids_of_a_request_that_breaks_a_door(caplog: pytest.LogCaptureFixture) -> None:
    headers = {**NATIVE, "X-Request-Id": "r-17", "traceparent": "00-4bf9-00f0-01", "x-other": "secret"}
    model = ModelIdentity(name="bert", version="1.0", contract=TASKS[Task.EMBEDDINGS])
    open_call(None, headers, model)  # type: ignore[arg-type]  # what no frontend hands over
    (record,) = caplog.records
    assert record.getMessage() == "a request could not be read: X-Request-Id=r-17 traceparent=00-4bf9-00f0-01"
