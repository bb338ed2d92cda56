"""What a request may be refused with: the contract's error in the door's own dress, or an answer of TorchServe's."""

import gzip
import json
import math
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

from berth.front.refusals import REFUSALS, too_long
from berth.gateway.error_answer import too_large
from handler.doors.paths import Form
from tests.fuzz.make.requests import RestRequest
from tests.fuzz.sending import RestAnswer
from tests.support.clients.answers import bare_error, error_with_message, wrapped_error

from .protocols import find_root, judge_form

MAX_ERROR_BYTES = 4096  # whatever was sent: an error quotes only the beginning of it
MAX_BODY_BYTES = 2**20  # config.properties, max_request_size
STATUSES = {
    "NotParseable": 400,
    "UnknownModel": 404,
    "UnknownPath": 404,
    "RequestTooLarge": 413,
    "TooManyInputs": 413,
    "TooManyTokens": 413,
    "ResponseTooLarge": 413,
    "UnsupportedMedia": 415,
    "InvalidInput": 422,
    "InvalidParameter": 422,
    "InputTooLong": 422,
    "NotNow": 503,
    "DeadlineExceeded": 503,
}
"""The handler's, without those that are our fault."""
TORCHSERVES = {
    (400, "BadRequestException"),  # Netty could not read it as HTTP
    (403, "IllegalArgumentException"),  # CR or LF in an address
    (404, "ModelNotFoundException"),
    (404, "ModelVersionNotFoundException"),
    (404, "ResourceNotFoundException"),
    (405, "MethodNotAllowedException"),
    (503, "ServiceUnavailableException"),  # the queue is full
}
OF_A_WORKER = "InternalServerException"
"""What TorchServe calls it when a worker died, or its handler raised."""
GZIP = b"\x1f\x8b"
NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's: a token of RFC 9110, 5.6.2."""
QUOTED_CHARACTERS = 12  # of a strange key: enough to know it by

Undress = Callable[[Any], dict[str, Any]]


def judge_refusal(request: RestRequest, answer: RestAnswer) -> str:
    """The status and the type of error; AssertionError says what is wrong with it."""
    if answer.status == 413 and not answer.body:
        assert len(request.body) > MAX_BODY_BYTES, "a bare 413 for a body within the limit"
        return "413, TorchServe's"
    if _is_no_http(request) and answer.body.startswith(b"<html>"):
        assert answer.status == 400, f"HAProxy's own page of a {answer.status}"
        return "400, HAProxy's"
    value = json.loads(answer.body)
    if reason := _fronts_reason(request, answer.status, value):
        return f"{answer.status} {reason}, the front's"
    if "type" in value and "param" not in value:
        # Netty has several words for a form that it cannot read, which never reaches a worker.
        is_bad_form = request.is_form and answer.status == 500 and value["type"] != OF_A_WORKER
        assert is_bad_form or (answer.status, value["type"]) in TORCHSERVES, f"not known of TorchServe: {value}"
        return f"{answer.status} {value['type']}, TorchServe's"
    assert answer.headers.get("content-type") == "application/json", answer.headers
    assert len(answer.body) <= MAX_ERROR_BYTES, f"an error of {len(answer.body)} bytes"
    root = find_root(request)
    if root and root.form in (Form.TEI, Form.COHERE):
        return judge_form(root, answer.status, value)
    error = undress(request)(value)
    assert error["code"] == answer.status, f"status {answer.status} of {error}"
    return judge_error(error, parse(request.body))


def _is_no_http(request: RestRequest) -> bool:
    """Whether the front cannot read it: a name that is none, a length that is not the body's, a strange address."""
    names = [name.lower() for name, _ in request.headers]
    has_bad_name = "content-length" in names or not all(map(NAME.fullmatch, names))
    return has_bad_name or "#" in request.path or not request.path.isascii()


def _fronts_reason(request: RestRequest, status: int, value: Any) -> str | None:
    """Why the front refused, if it or its gateway did: the sentence is one of their own, in whatever form."""
    said = json.dumps(value)
    if status == 413 and too_large(len(request.body), MAX_BODY_BYTES).message in said:
        return "body in chunks"
    fitting = (each for each in (*REFUSALS, too_long(MAX_BODY_BYTES)) if each.status == status)
    return next((each.reason for each in fitting if json.dumps(each.message)[1:-1] in said), None)


def undress(request: RestRequest) -> Undress:
    """What takes an error out of the dress of the door at this address."""
    path = unquote(request.path.partition("?")[0])
    if (root := find_root(request)) and root.form is Form.OPENAI:
        return wrapped_error
    if not path.startswith(("/v1/", "/v2/")):
        return bare_error
    # TorchServe says `url_path` of the other doors only: whoever sends it may get their dress.
    may_look_otherwise = "url_path" in f"{request.path}{request.headers}".lower() or b"url_path" in request.body
    return _undress_any if may_look_otherwise else error_with_message


def _undress_any(value: Any) -> dict[str, Any]:
    if list(value) == ["error"]:
        return wrapped_error(value)
    return error_with_message(value) if "error" in value else bare_error(value)


def judge_error(error: dict[str, Any], body: Any) -> str:
    """The contract's object: its status and type, and whether the message names the place in this body."""
    assert error["code"] == STATUSES.get(error["type"]), f"an error that nobody should get: {error}"
    assert error["message"].strip(), "no message"
    if error["param"] and error["code"] < 500:
        names = list(_names(error["param"], body))
        shown = _bare(error["message"])
        assert any(name in shown for name in names), f"the message names none of {names}: {error}"
    return f"{error['code']} {error['type']}"


def _names(pointer: str, body: Any) -> Iterator[str]:
    """What a message may call this place: its last key, what stands there, the tensor's name."""
    tokens = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
    keys = [token for token in tokens if not token.isdigit()]
    yield _quoted((keys or tokens)[-1])
    found, tensor = resolve(body, tokens), resolve(body, [*tokens[:2], "name"])
    for text in (tensor, *(found if isinstance(found, dict) else [found])):
        if isinstance(text, str):
            yield _quoted(text)


def _quoted(text: str) -> str:
    """Its beginning, as an error message has it."""
    return _bare(repr(text[:QUOTED_CHARACTERS])[1:-1])


def resolve(value: Any, tokens: list[str]) -> Any:
    """What stands at a JSON pointer; None where there is nothing."""
    for token in tokens:
        if isinstance(value, list) and token.isdigit() and int(token) < len(value):
            value = value[int(token)]
        elif isinstance(value, dict):
            value = value.get(token)
        else:
            return None
    return value


def _bare(text: str) -> str:
    """Without quotes and backslashes, of which a longer text has others."""
    return re.sub(r"[\\'\"]", "", text)


def parse(body: bytes) -> Any:
    """The JSON in a body, compressed or not; None for none."""
    try:
        body = gzip.decompress(body) if body.startswith(GZIP) else body
        return json.loads(body, parse_int=lambda digits: int(digits) if len(digits) < 1000 else math.inf)
    except (ValueError, RecursionError, EOFError, OSError, zlib.error):
        return None
