"""What the front takes no request of: too long a body, another method, the addresses of model management."""

from collections.abc import Iterator

from ..settings import Settings

METHODS = ("GET", "HEAD", "POST", "PUT", "OPTIONS")
BODY_S = 15
BUFFER_BYTES = 65_536
MAX_HEADERS_BYTES = 16_384


def limit_lines(settings: Settings) -> Iterator[str]:
    """Write what a request is refused for, whoever sends it."""
    at_gateway = "{ var(txn.to) -m str gateway }"  # which makes many requests of one, and has a limit of its own
    too_long = f"{{ req.body_size gt {settings.max_request_bytes} }}"
    yield f"    http-request set-var(txn.refusal) str(body) if {too_long} !{at_gateway}"
    managed = "{ path /models } or { path_beg /models/ } !{ path_end /invoke }"  # the last is a prediction, SageMaker's
    yield f"    http-request set-var(txn.refusal) str(management) if {managed}"
    yield f"    http-request set-var(txn.refusal) str(headers) if {{ req.hdrs,length gt {MAX_HEADERS_BYTES} }}"
    yield f"    http-request set-var(txn.refusal) str(method) if !{{ method {' '.join(METHODS)} }}"


def body_lines() -> Iterator[str]:
    """Write that a body, or its first BUFFER_BYTES, is waited for before the request takes a place at TorchServe.

    A short one that is refused is waited for too: after an answer to half a request HAProxy 2.6 ends an HTTP/2 stream
    by CANCEL, and curl and gRPC's clients see that instead of the answer.
    """
    is_refused = "{ var(txn.refusal) -m found }"
    wait = f"    http-request wait-for-body time {BODY_S}s if {{ method POST PUT }}"
    yield f"{wait} !{is_refused}"
    yield f"{wait} {is_refused} {{ req.body_size lt {BUFFER_BYTES} }}"
