"""What the front answers by itself: each reason once, in the form that the asked protocol's clients read."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from handler.doors.paths import NOT_SERVED, ROOT_PATHS, Form

from ..gateway.error_answer import ErrorAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontRefusal:
    """One reason why the front answers by itself."""

    reason: str
    """Its name in HAProxy's variable txn.refusal, in metrics and in logs."""
    status: int
    type: str
    message: str
    headers: tuple[tuple[str, str], ...] = ()
    grpc_status: int = 14  # UNAVAILABLE


RETRY = (("retry-after", "1"),)
VERSION = FrontRefusal(
    reason="version",
    status=404,
    type="UnknownModel",
    message="there is no such version of the model here: leave the version out, or name one that this server has",
    grpc_status=5,
)
REFUSALS = (
    VERSION,
    FrontRefusal(
        reason="timeout",
        status=400,
        type="InvalidInput",
        message="x-timeout-ms is how long the client waits: a whole number of milliseconds from 1 to 300000",
        grpc_status=3,
    ),
    FrontRefusal(
        reason="priority",
        status=400,
        type="InvalidInput",
        message="x-priority is low or normal",
        grpc_status=3,
    ),
    FrontRefusal(
        reason="overloaded",
        status=503,
        type="Overloaded",
        message="more requests wait than the model can answer in the time that this one has: send it again after the "
        "seconds that retry-after names, or give it more time (x-timeout-ms)",
        headers=(("retry-after", "%[var(txn.retry_s)]"),),
        grpc_status=14,
    ),
    FrontRefusal(
        reason="management",
        status=404,
        type="NotFound",
        message="models are managed at another address, management_address of config.properties, which only the "
        "server's own machine reaches",
        grpc_status=5,
    ),
    FrontRefusal(
        reason="workers",
        status=403,
        type="Forbidden",
        message="workers are changed from the server's own machine alone: run `berth scale` there",
        grpc_status=7,
    ),
    FrontRefusal(
        reason="not-served",
        status=404,
        type="UnknownPath",
        message=NOT_SERVED,
        grpc_status=5,
    ),
    FrontRefusal(
        reason="malformed",
        status=400,
        type="NotParseable",
        message="the request cannot be read, because its address is longer than 3,500 bytes or has a % before what are "
        "no two hexadecimal digits, or because a header has control characters: leave them out",
        grpc_status=3,
    ),
    FrontRefusal(
        reason="method",
        status=405,
        type="MethodNotAllowed",
        message="this address takes GET, HEAD, POST, PUT and OPTIONS; models are managed at management_address of "
        "config.properties, which only the server's own machine reaches",
        headers=(("allow", "GET, HEAD, POST, PUT, OPTIONS"),),
        grpc_status=12,
    ),
    FrontRefusal(
        reason="headers",
        status=431,
        type="RequestTooLarge",
        message="the request's headers are longer than 7 KiB: send fewer or shorter ones",
        grpc_status=8,
    ),
    FrontRefusal(
        reason="key",
        status=401,
        type="Unauthorized",
        message="no API key came with the request, or none that this server knows: send the header "
        "`authorization: Bearer KEY` (in gRPC the same as metadata)",
        headers=(("www-authenticate", "Bearer"),),
        grpc_status=16,
    ),
    FrontRefusal(
        reason="rate",
        status=429,
        type="RateLimited",
        message="this API key has sent as many requests in the last second as it may: send it again in a second",
        headers=RETRY,
        grpc_status=8,
    ),
)
STREAM2 = FrontRefusal(
    reason="stream2",
    status=501,
    type="NotImplemented",
    message="StreamPredictions2 is not served, because a call of it can end the worker: use StreamPredictions",
    grpc_status=12,
)
MANAGEMENT_METHODS = ("GET", "HEAD", "PUT", "OPTIONS")
MODEL_API = FrontRefusal(
    reason="model-api",
    status=405,
    type="MethodNotAllowed",
    message="models are neither registered nor unregistered here, because a model is code that the server runs: "
    "`berth rollout`, `berth register` and `berth unregister` do it, where the server runs and by its user alone; "
    "predictions are asked at inference_address",
    headers=(("allow", ", ".join(MANAGEMENT_METHODS)),),
)
GRPC_REFUSALS = {each.reason: (each.grpc_status, each.message) for each in (*REFUSALS, STREAM2)}
"""What the gateway answers a call that arrives with a reason in its metadata `x-refusal`."""
# What HAProxy itself says when nothing behind it answers or a client is too slow. What it cannot read as HTTP at all
# gets its own page, which 2.6 lets nobody replace.
OWN_ERRORS = (
    FrontRefusal(
        reason="bad-request",
        status=400,
        type="NotParseable",
        message="the request is not valid HTTP, or its headers are far too long",
    ),
    FrontRefusal(
        reason="slow",
        status=408,
        type="RequestTimeout",
        message="the request did not arrive within 15 s: send it again",
    ),
    FrontRefusal(
        reason="failed", status=500, type="InternalError", message="the front failed; the server's log says why"
    ),
    FrontRefusal(
        reason="no-answer",
        status=502,
        type="NoAnswer",
        message="the server ended while it answered: send the request again",
        headers=RETRY,
    ),
    FrontRefusal(
        reason="unavailable",
        status=503,
        type="Overloaded",
        message="no answer can be given now, because the server is starting or more requests wait than it can answer "
        "in time: send the request again later",
        headers=RETRY,
    ),
    FrontRefusal(
        reason="late", status=504, type="NoAnswer", message="the model did not answer in time: send fewer texts"
    ),
)


def too_long(limit_bytes: int) -> FrontRefusal:
    """The refusal of a body that has more bytes than the server reads."""
    return FrontRefusal(
        reason="body",
        status=413,
        type="RequestTooLarge",
        message=f"the body is longer than the {limit_bytes} bytes that the server reads (max_request_size of its "
        "config.properties): send fewer texts at once",
        grpc_status=8,
    )


def form_lines() -> Iterator[str]:
    """Write which protocol a path is of, as txn.form."""
    yield f"    http-request set-var(txn.form) str({Form.NATIVE})"
    for form in reversed(FORMS):
        yield f"    http-request set-var(txn.form) str({form}) if {_asked_as(form)}"


def refusal_lines(rules: str, refusals: Iterable[FrontRefusal]) -> Iterator[str]:
    """Write what txn.refusal names as the answer, by rules of this kind: http-request or http-response."""
    for refusal in refusals:
        for form in Form:
            body = json.dumps(_said(refusal).value(form))
            when = f"{{ var(txn.refusal) -m str {refusal.reason} }} {{ var(txn.form) -m str {form} }}"
            yield f"    {rules} return {_answer(refusal, body)} if {when}"


def version_lines(rules: str, versions: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Write the refusal of a version over v2, for each model with those versions that there are."""
    for name, has in versions.items():
        said = replace(VERSION, message=f"{VERSION.message}: {', '.join(has)}")
        body = json.dumps(_said(said).value(Form.V2))
        when = f"{{ var(txn.refusal) -m str {VERSION.reason} }} {{ var(txn.model) -m str {name} }}"
        yield f"    {rules} return {_answer(said, body)} if {when}"


def management_lines() -> Iterator[str]:
    """Write what the management address refuses: TorchServe would too, and not say why."""
    answer = _answer(MODEL_API, json.dumps(_said(MODEL_API).value(Form.NATIVE)))
    yield f"    http-request return {answer} if !{{ method {' '.join(MANAGEMENT_METHODS)} }}"


def bare_413_lines(refusal: FrontRefusal) -> Iterator[str]:
    """Write what a client reads instead of TorchServe's 413 without a word, of a body that came in chunks."""
    yield (
        f"    http-response set-var(txn.refusal) str({refusal.reason}) "
        "if { status 413 } !{ res.hdr(content-type) -m found }"
    )
    yield from refusal_lines("http-response", (refusal,))


def own_error_lines() -> Iterator[str]:
    """Write what replaces HAProxy's own pages: one form that clients of every protocol can read."""
    for refusal in OWN_ERRORS:
        yield f"    http-error {_answer(refusal, common_body(refusal))}"


def common_body(refusal: FrontRefusal) -> str:
    """Write one object that clients of every protocol can read, but for OpenAI's, to whom it is a text."""
    return json.dumps({"error": refusal.message, **_said(refusal).value(Form.NATIVE)})


# In this order paths are looked at: /v2/embed ends as /embed does.
FORMS = (Form.V2, Form.OPENAI, Form.COHERE, Form.TEI)


def _asked_as(form: Form) -> str:
    """The condition that a path is of this form, which is not the native one."""
    if form is Form.V2:
        return "{ path_beg /v2/models /v2/health }"
    ends = [f"/{path.url_path}" for path in ROOT_PATHS if path.form is form]
    return f"{{ path_end {' '.join(ends)} }}"


def _said(refusal: FrontRefusal) -> ErrorAnswer:
    return ErrorAnswer(refusal.status, refusal.type, refusal.message)


def _answer(refusal: FrontRefusal, body: str) -> str:
    headers = "".join(f' hdr {name} "{value}"' for name, value in refusal.headers)
    return f"status {refusal.status} content-type application/json string {quote(body)}{headers}"


def quote(text: str) -> str:
    """Write a text as one word of HAProxy's configuration."""
    if "'" in text:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") + '"'
    return f"'{text}'"
