"""Every answer's judge: an outcome to count, or AssertionError, which says what nobody should get."""

import json
from typing import Any

from berth.clients.grpc_client import REFUSED_STREAM
from tests.fuzz.make.requests import GrpcRequest, RestRequest
from tests.fuzz.sending import GrpcAnswer, RestAnswer
from tests.support.clients.answers import bare_error
from tests.support.clients.tensors import read_rows, read_texts

from .refusals import MAX_BODY_BYTES, judge_error, judge_refusal, parse
from .results import judge_result, judge_results, read_native

UNKNOWN_MODEL = ("Model not found", "Model version", "Parameter model_name is required")
LARGE_FORM_BYTES = 100_000
ECHOED = "x-request-id"  # its client's own, whatever that is
TOO_LONG = ("CANCELLED", "RESOURCE_EXHAUSTED", "UNAVAILABLE")
GOOD = ("200", "503 NotNow", "503 DeadlineExceeded")  # the front gives every request 30 s, and a machine may be busy


def judge_rest(request: RestRequest, answer: RestAnswer) -> str:
    """An answer over HTTP."""
    if answer.status == 0:
        # TorchServe quotes all of a form that it cannot read, and closes before that is read (SO_LINGER=0).
        most = LARGE_FORM_BYTES if request.is_form else MAX_BODY_BYTES
        assert len(request.body) > most, "the connection was reset"
        return "reset of a large body, TorchServe's"
    assert answer.phrase.isascii(), f"phrase {answer.phrase!r}"
    strange = {name: value for name, value in answer.headers.items() if not (name + value).isascii()}
    assert strange.items() <= {(ECHOED, request.header(ECHOED))}, strange
    if request.method == "HEAD":
        # Without a body nobody says whose it is.
        assert answer.status < 500 or answer.status == 503 or request.is_form, f"HEAD got {answer.status}"
        return f"HEAD {answer.status}"
    outcome = judge_results(request, answer) if answer.status == 200 else judge_refusal(request, answer)
    return _expect(outcome, is_good=request.is_good)


def _expect(outcome: str, *, is_good: bool) -> str:
    assert not is_good or outcome in GOOD, f"a good request got {outcome}"
    return outcome


def judge_grpc(request: GrpcRequest, answer: GrpcAnswer) -> str:
    """An answer over gRPC."""
    if answer.error is not None:
        code, kind, param = (answer.error[key] for key in ("code", "type", "param"))
        error = {"code": code, "type": kind, "message": answer.details, "param": param}
        outcome = judge_error(bare_error(error), _sent(request))
        return _expect(outcome, is_good=request.is_good)
    if answer.status != "OK":
        known = answer.status == "INTERNAL" and answer.details.startswith(UNKNOWN_MODEL)
        # TorchServe resets the stream of too long a message; what the front makes of that depends on what it has sent.
        is_refused = answer.status != "UNAVAILABLE" or REFUSED_STREAM in answer.details
        is_too_long = answer.status in TOO_LONG and is_refused and _size(request) > MAX_BODY_BYTES // 2
        assert known or is_too_long, f"gRPC's {answer.status}: {answer.details}"
        return f"{answer.status}, TorchServe's"
    judge = _judge_infer if request.door == "gRPC v2" else _judge_prediction
    return _expect(judge(request, answer.message), is_good=request.is_good)


def _sent(request: GrpcRequest) -> dict[str, Any]:
    return {key: request.fields.get(key) for key in ("inputs", "outputs")}


def _size(request: GrpcRequest) -> int:
    return len(str(request.fields))


def _judge_prediction(request: GrpcRequest, message: Any) -> str:
    value, body = json.loads(message.prediction), parse(request.fields["input"].get("body", b""))
    if isinstance(value, dict) and "code" in value:
        return judge_error(bare_error(value), body)
    for result in read_native(value, body):
        judge_result(result, request.target)
    return "200"


def _judge_infer(request: GrpcRequest, message: Any) -> str:
    target = request.target
    assert (message.model_name, message.id) == (target.name, request.fields.get("id", "")), message
    (output,) = message.outputs
    if output.name == "error":  # without the front: TorchServe has no other place for it
        (error,) = read_texts(output.contents.bytes_contents, output.shape)
        return judge_error(bare_error(error), _sent(request))
    if output.datatype == "FP32":
        results = read_rows(output.contents.fp32_contents, output.shape)
    else:
        results = read_texts(output.contents.bytes_contents, output.shape)
    rows = next(tensor["shape"][0] for tensor in request.fields["inputs"] if tensor["name"] != "parameters")
    assert len(results) == rows, f"{len(results)} results of {rows} inputs"
    for result in results:
        judge_result(result, target)
    return "200"
