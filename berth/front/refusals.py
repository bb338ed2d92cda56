"""What the front answers by itself: each reason once, in the form that the asked protocol's clients read."""

import json
from collections.abc import Iterator
from dataclasses import dataclass


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
GRPC_REFUSALS = (STREAM2,)
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
V2 = "{ path_beg /v2/models /v2/health }"
OPENAI = "{ path_end /v1/embeddings /v1/models }"


def refusal_lines(refusals: tuple[Refusal, ...] = REFUSALS) -> Iterator[str]:
    """Write the backend that answers what txn.refusal names."""
    for refusal in refusals:
        when = f"{{ var(txn.refusal) -m str {refusal.reason} }}"
        for body, form in ((v2_body(refusal), V2), (openai_body(refusal), OPENAI), (native_body(refusal), "")):
            yield f"    http-request return {_answer(refusal, body)} if {when} {form}".rstrip()


def own_error_lines() -> Iterator[str]:
    """Write what replaces HAProxy's own pages: one form that clients of every protocol can read."""
    for refusal in OWN_ERRORS:
        yield f"    http-error {_answer(refusal, common_body(refusal))}"


def grpc_refusal_lines() -> Iterator[str]:
    """Write the refusals of gRPC calls: headers alone, as gRPC says it."""
    for refusal in GRPC_REFUSALS:
        headers = {"grpc-status": str(refusal.grpc_status), "grpc-message": refusal.message}
        said = " ".join(f'hdr {name} "{value}"' for name, value in headers.items())
        when = f"{{ var(txn.refusal) -m str {refusal.reason} }}"
        yield f"    http-request return status 200 {said} if {when}"


def native_body(refusal: Refusal) -> str:
    """Write TorchServe's form, to which berth adds `param`."""
    return json.dumps(_error_object(refusal))


def openai_body(refusal: Refusal) -> str:
    """Write OpenAI's form."""
    return json.dumps({"error": _error_object(refusal)})


def v2_body(refusal: Refusal) -> str:
    """Write the form of the Open Inference Protocol."""
    return json.dumps({"error": refusal.message})


def common_body(refusal: Refusal) -> str:
    """Write one object that native clients, those of v2 and OpenAI's can read."""
    return json.dumps({"error": refusal.message, **_error_object(refusal)})


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
