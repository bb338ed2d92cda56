"""A request's body: its media type, and the JSON or the text in it. What it means is for the doors."""

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from ..errors import InternalError, InvalidInput, NotParseable, UnsupportedMedia
from ..wire import quote
from .advice import JSON, TEXT, Advice
from .unreadable import Sent, explain_json, explain_text, find_wide

_CHARSET = re.compile(r"charset\s*=\s*\"?([^\s\";]+)")
DEADLINE = "x-deadline-ms"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
# The names that clients have for UTF-8, and for ASCII, which is a part of it (RFC 2046; the last one is C's locale's).
UTF_8 = ("utf-8", "utf8", "us-ascii", "ascii", "ansi_x3.4-1968")
MAX_START = 64  # bytes
# JSON's words and JavaScript's, alone, and the fields of a request in some other language.
_OTHER = re.compile(r"(true|false|null|None|NaN|undefined)\s*$|(inputs?|instances|parameters|data)\s*[:=]")
MARK = b"\xef\xbb\xbf"  # that a file is UTF-8; RFC 8259 lets a reader of JSON pass over it, and no text begins with it
NOT_DECODED = "TorchServe has decoded the body: its config.properties needs decode_input_request=false"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What the headers say of a body."""

    media: str = JSON
    """JSON where a client does not say, as over gRPC."""
    is_typed: bool = True


JSON_ENVELOPE = Envelope()


def read_json(fields: Mapping[str, object], headers: Mapping[str, object], advice: Advice) -> object:
    """Return the decoded JSON body of a door that reads nothing else; `advice` says what to send instead."""
    envelope = read_envelope(headers)
    if set(fields) != {"body"} or envelope.media in FORMS:
        raise UnsupportedMedia(f"the body arrived as a form, as curl -d sends it by itself: send {advice.json}")
    body = require_bytes(fields["body"])
    if envelope.media != JSON:
        raise UnsupportedMedia(f"content-type {quote(envelope.media)} is not read here: send {advice.json}")
    if not body:
        raise NotParseable(f"the body is empty: send {advice.json}")
    return decode_json(body, advice, envelope)


def is_rest(headers: Mapping[str, object]) -> bool:
    """Tell REST from gRPC: of a call only its inputs stand here, as dicts, and of a REST request headers too, strings.

    One at least: the frontend counts a body whose client has not.
    """
    return has_explain(headers) or any(isinstance(value, str) for value in headers.values())


def has_explain(headers: Mapping[str, object]) -> bool:
    """Tell whether the frontend has added `explain`, as it does at every address that berth serves.

    An input that a gRPC client names so is there too, as a dict.
    """
    return isinstance(headers.get("explain"), str)


def is_infer(headers: Mapping[str, object]) -> bool:
    """Tell a ModelInfer over gRPC: only of its body, JSON that it writes itself, does the frontend say the type."""
    return not is_rest(headers) and headers.get("body") == {"content-type": "application/json"}


def require_bytes(body: object) -> bytes | bytearray:
    """Return the body as it was sent; InternalError where TorchServe has decoded it."""
    if not isinstance(body, bytes | bytearray):
        raise InternalError(NOT_DECODED)
    return body


def read_deadline_s(headers: Mapping[str, object]) -> float:
    """Return when the request's time is over, on the clock of time.monotonic; infinity where nothing says so.

    The header has milliseconds since 1970, as the front sets it. InvalidInput where it is no such number.
    """
    value = next((value for name, value in headers.items() if name.lower() == DEADLINE), None)
    if not isinstance(value, str):  # over gRPC it is an input of that name
        return math.inf
    if re.fullmatch("[0-9]{1,15}", value) is None:
        raise InvalidInput(f"the header {DEADLINE} is not a number of milliseconds since 1970")
    return time.monotonic() + int(value) / 1000 - time.time()


def read_envelope(headers: Mapping[str, object]) -> Envelope:
    """Read what the headers say of the body. UnsupportedMedia for a charset that is not UTF-8."""
    said = next((str(value) for name, value in headers.items() if name.lower() == "content-type"), "")
    return _parse_envelope(said)


@lru_cache(maxsize=32)  # most clients send the same
def _parse_envelope(content_type: str) -> Envelope:
    media, _, options = (content_type or JSON).lower().partition(";")
    charset = _CHARSET.search(options)
    media = media.strip()
    if charset and charset[1] not in UTF_8 and media not in FORMS:  # a form's fields are looked at by themselves
        raise UnsupportedMedia(f"charset {quote(charset[1])} is not read here: send UTF-8, which needs no charset")
    return Envelope(media=media, is_typed=bool(content_type))


def decode_json(
    body: bytes | bytearray, advice: Advice, envelope: Envelope = JSON_ENVELOPE, name: str = "the body"
) -> object:
    """Decode any JSON value; of equal keys the last one counts. A RequestError says what else it is."""
    try:
        return msgspec.json.decode(_unmark(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        sent = _describe(body, advice, envelope, name)
        raise next(explain_json(sent, error)) from None


def is_plainly_text(body: bytes | bytearray) -> bool:
    """Tell a text that nobody can have meant as JSON: it begins with a letter, and not with a word of JSON or a key."""
    start = _unmark(body)[:MAX_START].decode("utf-8", "ignore").lstrip()
    return start[:1].isalpha() and _OTHER.match(start) is None and not find_wide(body)


def decode_text(body: bytes | bytearray, advice: Advice, envelope: Envelope, name: str) -> str:
    """Decode a text. A RequestError says what it is, where it is not UTF-8."""
    try:
        if not find_wide(body):
            return _unmark(body).decode("utf-8")
    except UnicodeDecodeError:
        pass
    raise next(explain_text(_describe(body, advice, envelope, name)))


def _unmark(body: bytes | bytearray) -> bytes | bytearray:
    return body[len(MARK) :] if body.startswith(MARK) else body


def _describe(body: bytes | bytearray, advice: Advice, envelope: Envelope, name: str) -> Sent:
    return Sent(
        body=bytes(_unmark(body)),
        name=name,
        media=envelope.media if envelope.media in (JSON, TEXT) else TEXT,
        is_typed=envelope.is_typed,
        advice=advice,
    )
