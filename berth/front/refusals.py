"""What the front answers by itself: each reason once, in the form that the asked protocol's clients read."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from handler.doors.paths import ROOT_PATHS, Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One reason why the front answers by itself."""

    reason: str
    """Its name in HAProxy's variable txn.refusal, in metrics and in logs."""
    status: int
    type: str
    message: str
    headers: tuple[tuple[str, str], ...] = ()
    grpc_status: int = 14  # UNAVAILABLE


RETRY = (("retry-after", "1"),)
REFUSALS = (
    Refusal(
        reason="version",
        status=404,
        type="UnknownModel",
        message="this server has another version of the model: leave the version out, or ask /v2/models/NAME for it",
        grpc_status=5,
    ),
)
STREAM2 = Refusal(
    reason="stream2",
    status=501,
    type="NotImplemented",
    message="StreamPredictions2 is not served, because a call of it can end the worker: use StreamPredictions",
    grpc_status=12,
)
GRPC_REFUSALS: Mapping[str, Refusal] = {refusal.reason: refusal for refusal in (*REFUSALS, STREAM2)}
"""By reason, what the gateway answers a call that arrives with that reason in its metadata `x-refusal`."""
# What HAProxy itself says when nothing behind it answers, a client is too slow, or its request is no HTTP.
OWN_ERRORS = (
    Refusal(reason="bad-request", status=400, type="NotParseable", message="the request is not valid HTTP"),
    Refusal(
        reason="slow",
        status=408,
        type="RequestTimeout",
        message="the request did not arrive within 15 s: send it again",
    ),
    Refusal(reason="failed", status=500, type="InternalError", message="the front failed; the server's log says why"),
    Refusal(
        reason="no-answer",
        status=502,
        type="NoAnswer",
        message="the server ended while it answered: send the request again",
        headers=RETRY,
    ),
    Refusal(
        reason="unavailable",
        status=503,
        type="Overloaded",
        message="no answer can be given now, because the server is starting or more requests wait than it can answer "
        "in time: send the request again later",
        headers=RETRY,
    ),
    Refusal(reason="late", status=504, type="NoAnswer", message="the model did not answer in time: send fewer texts"),
)


def refusal_lines(refusals: tuple[Refusal, ...] = REFUSALS) -> Iterator[str]:
    """Write the backend that answers what txn.refusal names."""
    for refusal in refusals:
        when = f"{{ var(txn.refusal) -m str {refusal.reason} }}"
        for form, write in BODIES.items():
            yield f"    http-request return {_answer(refusal, write(refusal))} if {when} {_asked_as(form)}".rstrip()


def own_error_lines() -> Iterator[str]:
    """Write what replaces HAProxy's own pages: one form that clients of every protocol can read."""
    for refusal in OWN_ERRORS:
        yield f"    http-error {_answer(refusal, common_body(refusal))}"


def common_body(refusal: Refusal) -> str:
    """Write one object that clients of every protocol can read, but for OpenAI's, to whom it is a text."""
    return json.dumps({"error": refusal.message, **_error_object(refusal)})


BODIES: Mapping[Form, Callable[[Refusal], str]] = {
    Form.V2: lambda refusal: json.dumps({"error": refusal.message}),
    Form.OPENAI: lambda refusal: json.dumps({"error": _error_object(refusal)}),
    Form.COHERE: lambda refusal: json.dumps({"message": refusal.message}),
    Form.TEI: lambda refusal: json.dumps({"error": refusal.message, "error_type": refusal.type}),
    Form.NATIVE: lambda refusal: json.dumps(_error_object(refusal)),
}


def _asked_as(form: Form) -> str:
    """The condition that a path is of this form; "" for all paths that are left over."""
    if form is Form.NATIVE:
        return ""
    if form is Form.V2:
        return "{ path_beg /v2/models /v2/health }"
    ends = [f"/{path.url_path}" for path in ROOT_PATHS if path.form is form]
    return f"{{ path_end {' '.join(ends)} }}"


def _error_object(refusal: Refusal) -> dict[str, object]:
    return {"code": refusal.status, "type": refusal.type, "message": refusal.message, "param": None}


def _answer(refusal: Refusal, body: str) -> str:
    headers = "".join(f' hdr {name} "{value}"' for name, value in refusal.headers)
    return f"status {refusal.status} content-type application/json string {quote(body)}{headers}"


def quote(text: str) -> str:
    """Write a text as one word of HAProxy's configuration."""
    if "'" in text:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") + '"'
    return f"'{text}'"
