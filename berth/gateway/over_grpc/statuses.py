"""What an answer's HTTP status is in gRPC, and the sentence that goes with it. Pure."""

import grpc
import msgspec

from ..model_server import Answer
from ..refusal import Refusal

MAX_DETAILS = 1000  # characters; they travel in a header, where each may take nine bytes
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


def code_of(refusal: Refusal) -> grpc.StatusCode:
    """gRPC's code for a refusal."""
    if refusal.type == "DeadlineExceeded":
        return grpc.StatusCode.DEADLINE_EXCEEDED
    return CODES.get(refusal.status, grpc.StatusCode.UNKNOWN)


def read_refusal(answer: Answer) -> Refusal:
    """The error that the server, or what stands before it, answered with, in whichever form."""
    try:
        value = msgspec.json.decode(answer.body)
    except ValueError:
        value = {}
    fields = value if isinstance(value, dict) else {}
    error = fields.get("error")
    fields = error if isinstance(error, dict) else fields
    message = fields.get("message") or error or f"the server answered {answer.status} and did not say why"
    return Refusal(answer.status, str(fields.get("type", "")), str(message)[:MAX_DETAILS])
