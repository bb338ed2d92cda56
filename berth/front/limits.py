"""What the front takes no request of: too long a body, another method, the addresses of model management."""

from collections.abc import Iterator

from ..settings import Settings

METHODS = ("GET", "HEAD", "POST", "PUT", "OPTIONS")
BODY_S = 15
BUFFER_BYTES = 65_536
MAX_HEADERS_BYTES = 7_168  # TorchServe's Netty reads 8 KiB, the front's own headers among them
MAX_ADDRESS_BYTES = 3_500  # and a first line of 4 KiB, which a root path's own address makes longer
BAD_ESCAPE = "'%([^0-9A-Fa-f]|.[^0-9A-Fa-f]|.?$)'"
CONTROLS = r"'[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]'"
MAX_LONG_BODIES = 64
UNREAD_BYTES = 40_960  # so long a body may not be in the buffer as a whole, beside the headers
# Who asks from another machine. A proxy on this one comes from loopback too; some say for whom they ask, nginx as it
# comes does not, and of what passes there the gateway refuses what no page of this machine's own has sent.
STRANGERS = (
    "!{ src 127.0.0.0/8 ::1 }",
    "{ req.hdr(x-forwarded-for) -m found }",
    "{ req.hdr(forwarded) -m found }",
)
# Where TorchServe asks a model past its queue, and the handler answers in the same words.
UNSERVED = (
    "{ path,url_dec -m beg /invocations }",
    "{ path,url_dec -m reg '^/models/[^/]+/invoke/*$' }",
    "!{ path_beg /predictions/ /explanations/ /v1/ /v2/ } { path,url_dec -m reg '^/[^/]+(/[^/]+)?/predict/*$' }",
)
ASKS_FIRST = "{ var(txn.asks_first) -m found }"
IS_REFUSED = "{ var(txn.refusal) -m found }"


def limit_lines(settings: Settings) -> Iterator[str]:
    """Write what a request is refused for, whoever sends it."""
    at_gateway = "{ var(txn.to) -m str gateway }"  # which makes many requests of one, and has a limit of its own
    too_long = f"{{ req.hdr_val(content-length) gt {settings.max_request_bytes} }}"  # body_size knows none of HTTP/2
    yield f"    http-request set-var(txn.refusal) str(body) if {too_long} !{at_gateway}"
    yield "    http-request set-var(txn.refusal) str(management) if { path /models } or { path_beg /models/ }"
    for stranger in STRANGERS:
        yield f"    http-request set-var(txn.refusal) str(workers) if {{ path_beg /ui/ }} {{ method PUT }} {stranger}"
    yield from (f"    http-request set-var(txn.refusal) str(not-served) if {each}" for each in UNSERVED)
    unreadable = (f"url,length gt {MAX_ADDRESS_BYTES}", f"url -m reg {BAD_ESCAPE}", f"req.hdrs -m reg {CONTROLS}")
    yield from (f"    http-request set-var(txn.refusal) str(malformed) if {{ {each} }}" for each in unreadable)
    yield f"    http-request set-var(txn.refusal) str(headers) if {{ req.hdrs,length gt {MAX_HEADERS_BYTES} }}"
    yield f"    http-request set-var(txn.refusal) str(method) if !{{ method {' '.join(METHODS)} }}"


def body_lines() -> Iterator[str]:
    """Write that a body, or its first BUFFER_BYTES, is waited for before the request takes a place at TorchServe.

    What is refused is heard out too. After an answer to half a request HAProxy 2.6 ends an HTTP/2 stream by CANCEL and
    resets a connection of HTTP/1.1, and many clients see that instead of the answer. So the gateway reads a long body,
    and then the refusal is put in the place of its answer. A client of HTTP/1.1 that asks first is told at once.
    """
    wait = f"    http-request wait-for-body time {BODY_S}s if"
    yield "    http-request set-var(txn.asks_first) bool(true) if { req.hdr(expect) -m found } { req.ver 1.1 }"
    yield f"{wait} !{IS_REFUSED}"
    yield f"{wait} {IS_REFUSED} {{ req.body_size lt {UNREAD_BYTES} }} !{ASKS_FIRST}"


def long_body_lines() -> Iterator[str]:
    """Write that a body which the buffer does not hold is read and measured by the gateway.

    At TorchServe it would keep a place while it trickles, and TorchServe hangs up on one in chunks that is too long.
    """
    to_gateway = f"    http-request set-var(txn.to) str(long_bodies) if !{IS_REFUSED} {{ var(txn.to) -m beg model- }}"
    yield "    http-request set-var(txn.length) req.hdr_val(content-length)"
    yield f"{to_gateway} {{ req.body_len,sub(txn.length) lt 0 }}"
    yield f"{to_gateway} {{ req.body_size ge {UNREAD_BYTES} }} !{{ req.hdr(content-length) -m found }}"


def refused_lines() -> Iterator[str]:
    """Write who answers what is refused."""
    yield f"    use_backend hear_out if {IS_REFUSED} {{ req.body_size ge {UNREAD_BYTES} }} !{ASKS_FIRST}"
    yield f"    use_backend refuse if {IS_REFUSED}"
