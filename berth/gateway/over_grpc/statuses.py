"""What an answer's HTTP status is in gRPC, and what goes with it."""

from typing import Any

import grpc
import msgspec

from handler.doors.paths import Form

from ..error_answer import ErrorAnswer
from ..model_server import Answer

MAX_DETAILS = 1000  # characters; they travel in a header, where each may take nine bytes
MAX_ERROR_BYTES = 2000
ERROR = "error-bin"  # trailer: JSON with the error's `code`, `type` and `param`
CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    405: grpc.StatusCode.UNIMPLEMENTED,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    415: grpc.StatusCode.INVALID_ARGUMENT,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    501: grpc.StatusCode.UNIMPLEMENTED,
    502: grpc.StatusCode.UNAVAILABLE,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
    507: grpc.StatusCode.RESOURCE_EXHAUSTED,
}


def code_of(answer: ErrorAnswer) -> grpc.StatusCode:
    """gRPC's code for an error."""
    if answer.type == "DeadlineExceeded":
        return grpc.StatusCode.DEADLINE_EXCEEDED
    return CODES.get(answer.status, grpc.StatusCode.UNKNOWN)


def read_error(answer: Answer) -> ErrorAnswer:
    """The error that the server, or what stands before it, answered with, in whichever form."""
    try:
        value = msgspec.json.decode(answer.body)
    except ValueError:
        value = {}
    fields = value if isinstance(value, dict) else {}
    error = fields.get("error")
    fields = error if isinstance(error, dict) else fields
    message = fields.get("message") or error or f"the server answered {answer.status} and did not say why"
    param = fields.get("param")
    return ErrorAnswer(answer.status, str(fields.get("type", "")), str(message), None if param is None else str(param))


async def abort(context: Any, answer: ErrorAnswer) -> None:
    """End a call with an error: gRPC's code and the sentence, and beside them what every door says of an error."""
    native = answer.value(Form.NATIVE)
    error = msgspec.json.encode({name: native[name] for name in ("code", "type", "param")})
    trailers = [*answer.headers.items(), *([(ERROR, error)] if len(error) <= MAX_ERROR_BYTES else [])]
    await context.abort(code_of(answer), answer.message[:MAX_DETAILS], tuple(trailers))
