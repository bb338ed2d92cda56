"""What goes around a body over HTTP - method, address, query, headers, forms - made or changed. Pure."""

import dataclasses
import gzip
from collections.abc import Callable
from random import Random
from urllib.parse import quote

from .requests import RestRequest
from .values import STRINGS, make_string

BOUNDARY = "fuzz"
JSON = ("content-type", "application/json")
# No CONNECT, which asks for a tunnel.
METHODS = ("GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW")
CONTENT_TYPES = (
    "",
    "application/json; charset=utf-8",
    'application/json; charset="UTF-8"',
    "application/json; charset=latin-1",
    "application/json; charset=utf-16",
    "Application/JSON",
    "application/json;;",
    "application/vnd.api+json",
    "text/plain",
    "text/plain; charset=us-ascii",
    "text/plain; charset=latin-1",
    "text/plain; charset=\xe9",
    "text/html",
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    f"multipart/form-data; boundary={BOUNDARY}",
    'multipart/form-data; boundary=""',
    "multipart/mixed; boundary=x",
    "image/png",
    "a/b; charset*=a; charset*0=b",
    "\xe9",
    "x" * 3000,
    "application/json, text/plain",
)
HEADERS = (
    ("url_path", ""),
    ("url_path", "v1/embeddings"),
    ("url_path", "x\xe9"),
    ("URL_PATH", "v1/embeddings"),
    ("describe", "True"),
    ("explain", "True"),
    ("explain", "False"),
    ("Explain", "True"),
    ("body", "x"),
    ("data", "x"),
    ("Inference-Header-Content-Length", "5"),
    ("Inference-Header-Content-Length", "-1"),
    ("ts_stream_next", "true"),
    ("ts_request_sequence_id", "1"),
    ("x-request-id", "a\xe9"),
    ("accept", "text/html"),
    ("accept-encoding", "gzip, deflate, br"),
    ("content-encoding", "gzip"),
    ("content-encoding", "br"),
    ("x-deadline-ms", "1"),
    ("x-deadline-ms", "9999999999999"),
    ("x-deadline-ms", "soon"),
    ("expect", "100-continue"),
    ("transfer-encoding", "chunked"),
    ("upgrade", "websocket"),
    ("cookie", "a=b; c"),
    ("content-length", "1"),
    ("connection", "close"),
    ("x-long", "x" * 7000),
    ("x-too-long", "x" * 9000),
    ("x-folded", "a\r\n b"),
    ("x-control", "a\x01b"),
    ("x\xe9", "a"),
    ("", "empty name"),
    ("x y", "a"),
)
FIELDS = ("data", "data", "body", "inputs", "explain", "url_path", "describe", "content-type", "ts_stream_next")


def change_envelope(rng: Random, request: RestRequest) -> RestRequest:
    """The request with something around its body changed."""
    return rng.choice(ENVELOPE_CHANGES)(rng, request)


def _set_method(rng: Random, request: RestRequest) -> RestRequest:
    return dataclasses.replace(request, method=rng.choice(METHODS))


def _set_content_type(rng: Random, request: RestRequest) -> RestRequest:
    others = tuple(header for header in request.headers if header[0] != "content-type")
    kept = () if rng.random() < 0.1 else (("content-type", rng.choice(CONTENT_TYPES)),)
    return dataclasses.replace(request, headers=(*others, *kept))


def _add_header(rng: Random, request: RestRequest) -> RestRequest:
    return dataclasses.replace(request, headers=(*request.headers, rng.choice(HEADERS)))


def _add_query(rng: Random, request: RestRequest) -> RestRequest:
    query = rng.choice(
        (f"{_escape(_name(rng))}={_escaped(rng)}", _escaped(rng), "", "a=1&a=2", "%", "%zz", "&&==", "a=b#c")
    )
    return dataclasses.replace(request, path=f"{request.path}{'&' if '?' in request.path else '?'}{query}")


def _extend_path(rng: Random, request: RestRequest) -> RestRequest:
    path, _, query = request.path.partition("?")
    tail = rng.choice(
        ("/", "/1.0", "/1.0/", "/9.9", f"/1.0/{_escaped(rng)}", f"/1.0/v1/{_escaped(rng)}", f"/{_escaped(rng)}")
    )
    path = rng.choice(
        (path + tail, path.replace(request.target.name, _escaped(rng)), path + _escaped(rng), path.upper())
    )
    return dataclasses.replace(request, path=path + (f"?{query}" if query else ""))


def _send_as_form(rng: Random, request: RestRequest) -> RestRequest:
    body = form([(_name(rng), rng.choice((request.body, make_string(rng).encode("utf-8", "replace"))))])
    return dataclasses.replace(request, body=body, headers=(("content-type", "application/x-www-form-urlencoded"),))


def _send_as_multipart(rng: Random, request: RestRequest) -> RestRequest:
    body = multipart([(_name(rng), request.body) for _ in range(rng.choice((1, 1, 2)))])
    body = body if rng.random() < 0.7 else body[: rng.randint(0, len(body))]
    return dataclasses.replace(request, body=body, headers=(MULTIPART,))


def _compress(_: Random, request: RestRequest) -> RestRequest:
    headers = (*request.headers, ("content-encoding", "gzip"))
    return dataclasses.replace(request, body=gzip.compress(request.body, mtime=0), headers=headers)


MULTIPART = ("content-type", f"multipart/form-data; boundary={BOUNDARY}")
ENVELOPE_CHANGES: tuple[Callable[[Random, RestRequest], RestRequest], ...] = (
    _set_method,
    _set_content_type,
    _set_content_type,
    _add_header,
    _add_header,
    _add_query,
    _extend_path,
    _compress,
    _send_as_form,
    _send_as_multipart,
)


def form(fields: list[tuple[str, bytes]]) -> bytes:
    """Fields as application/x-www-form-urlencoded."""
    return "&".join(f"{_escape(name)}={quote(value, safe='')}" for name, value in fields).encode()


def multipart(fields: list[tuple[str, bytes]]) -> bytes:
    """Fields as multipart/form-data."""
    parts = [
        f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n'.encode("utf-8", "replace") + value
        for name, value in fields
    ]
    return b"\r\n".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


def _name(rng: Random) -> str:
    return rng.choice(FIELDS) if rng.random() < 0.8 else rng.choice(STRINGS)


def _escaped(rng: Random) -> str:
    return _escape(rng.choice(STRINGS))


def _escape(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")
