"""A request's body: its media type, and the JSON in it. What it means is for the doors."""

import re
from collections.abc import Mapping

import msgspec

from ..errors import InternalError, NotParseable, UnsupportedMedia
from ..wire import quote

_CHARSET = re.compile(r"charset\s*=\s*\"?([^\s\";]+)")
NOT_DECODED = "TorchServe has decoded the body: its config.properties needs decode_input_request=false"


def read_json(fields: Mapping[str, object], headers: Mapping[str, object], advice: str) -> object:
    """Return the decoded JSON body of a door that reads nothing else; `advice` says what to send instead."""
    if set(fields) != {"body"}:
        raise UnsupportedMedia(f"the body arrived as a form: {advice}")
    body = require_bytes(fields["body"])
    media = media_type(headers, advice)
    if media != "application/json":
        raise UnsupportedMedia(f"content-type {quote(media)} is not supported here: {advice}")
    if not body:
        raise NotParseable(f"the body is empty: {advice}")
    return decode_json(body)


def require_bytes(body: object) -> bytes | bytearray:
    """Return the body as it was sent; InternalError where TorchServe has decoded it."""
    if not isinstance(body, bytes | bytearray):
        raise InternalError(NOT_DECODED)
    return body


def media_type(headers: Mapping[str, object], advice: str) -> str:
    """Return the body's media type: JSON where a client does not say, as over gRPC. UnsupportedMedia if not UTF-8."""
    value = next((value for name, value in headers.items() if name.lower() == "content-type"), "application/json")
    media, _, options = str(value).lower().partition(";")
    charset = _CHARSET.search(options)
    if charset and charset[1] not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMedia(f"charset {quote(charset[1])} is not supported here: send UTF-8; {advice}")
    return media.strip()


def decode_json(body: bytes | bytearray, name: str = "the body") -> object:
    """Decode any JSON value; of equal keys the last one counts. NotParseable for anything else."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotParseable(f"{name} is not JSON: {error}") from None
