"""Bytes that are not what they were sent as: what they are, and what to send. Pure.

A body is read by its content type alone. What it looks like goes into the error, and into nothing else: a text could
look like anything. Whatever it is, it takes milliseconds: a batch may have 64 of the largest.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from ..errors import NotParseable, RequestError, UnsupportedMedia
from ..wire import quote
from .advice import JSON, Advice

COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}
MARKS = {
    b"\xff\xfe\0\0": "UTF-32LE",
    b"\0\0\xfe\xff": "UTF-32BE",
    b"\xff\xfe": "UTF-16LE",
    b"\xfe\xff": "UTF-16BE",
}
NUM_NEAR = 20  # bytes that are shown on either side of a mistake
SEND_WHOLE = (
    "half of a surrogate pair, as of an emoji that was cut in two, and no character: cut texts between characters "
    "(JavaScript: text.toWellFormed(), or Array.from(text).slice(0, n).join(''))"
)
# An escape of JSON: a pair, half of one, or any other.
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)", re.DOTALL)
_HALF = re.compile(rb"\xed[\xa0-\xbf]")
_PLACE = re.compile(r"(?:JSON is malformed: )?(.*) \(byte (\d+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Bytes, and what was said of them."""

    body: bytes
    name: str = "the body"
    media: str = JSON
    is_typed: bool = True
    """Whether the client named that media type."""
    advice: Advice


def explain_text(sent: Sent) -> Iterator[RequestError]:
    """Say why bytes are not UTF-8: the likeliest first, nothing where they are."""
    place = _find_wrong_byte(sent.body)
    if packed := next((packed for start, packed in COMPRESSED.items() if sent.body.startswith(start)), ""):
        is_gzip = packed == "gzip" and sent.advice.has_curl
        says = "say so (content-encoding: gzip), or " if is_gzip else ""
        gunzip = sent.advice.pipe("gunzip -c", sent.media) if is_gzip else ""
        yield UnsupportedMedia(f"{sent.name} is compressed ({quote(packed)}): {says}send it as it was before{gunzip}")
    if wide := find_wide(sent.body):
        iconv = sent.advice.pipe(f"iconv -f {wide} -t UTF-8", sent.media)
        yield NotParseable(f"{sent.name} is {wide}: send UTF-8{iconv}")
    if place is not None:
        yield NotParseable(f"{sent.name} is not UTF-8: at byte {place} is {_explain_byte(sent, place)}")


def _find_wrong_byte(body: bytes) -> int | None:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return None


def find_wide(body: bytes | bytearray) -> str:
    """Name UTF-16 or UTF-32 by its mark, or by two characters of ASCII at the beginning; "" for neither."""
    start = bytes(body[:4])
    if marked := next((name for mark, name in MARKS.items() if start.startswith(mark)), ""):
        return marked
    match [byte == 0 for byte in start]:
        case [False, True, False, True]:
            return "UTF-16LE"
        case [True, False, True, False]:
            return "UTF-16BE"
    return ""


def _explain_byte(sent: Sent, place: int) -> str:
    if _HALF.match(sent.body, place):
        return SEND_WHOLE
    byte = sent.body[place : place + 1]
    character = byte.decode("cp1252", "replace")
    if character == "\ufffd":
        return f"0x{byte.hex()}; send UTF-8"
    iconv = sent.advice.pipe("iconv -f WINDOWS-1252 -t UTF-8", sent.media)
    return f"0x{byte.hex()}, {character!r} in Windows-1252; send UTF-8{iconv}"


def explain_json(sent: Sent, error: Exception) -> Iterator[RequestError]:
    """Say why bytes are not JSON: the likeliest first, at last what msgspec says."""
    yield from explain_text(sent)
    if half := _find_half(sent.body, str(error)):
        yield NotParseable(f"{sent.name} is not JSON: {half} is {SEND_WHOLE}")
    if _has_lines(sent.body):
        yield NotParseable(
            f"{sent.name} has a JSON value in each line: send each by itself, or a list, such as {sent.advice.several}"
        )
    said = _say(sent.body, error)
    if sent.body.lstrip().startswith(b"'") or "keys must be strings" in said:
        yield NotParseable(
            f"{sent.name} is not JSON: {said}; keys and strings stand in double quotes (requests: json=, not data=; on "
            f"Windows put it into a file, and send curl -H 'content-type: {JSON}' --data-binary @FILE)"
        )
    if sent.is_typed:
        yield NotParseable(f"{sent.name} is not JSON: {said}; send {sent.advice.json}")
    untyped = " has no content type and" if sent.advice.has_curl else ""
    yield NotParseable(f"{sent.name}{untyped} is not JSON: {said}; send {sent.advice.both}")


def _find_half(body: bytes, said: str) -> str:
    """Return the escape of half a surrogate pair that msgspec stumbled over: at its place, or else at the very end."""
    found = _PLACE.fullmatch(said) if "surrogate pair" in said else None
    end = int(found[2]) + NUM_NEAR if found else len(body)
    start = max(0, end - 2 * NUM_NEAR)
    half = next((match for match in _ESCAPE.finditer(body, start, end) if match[1]), None)
    if half is None:
        return ""
    mended = body[: half.start()] + b"\\ufffd" + body[half.end() :]
    return f"\\{half[1].decode()}" if found or _is_json(mended) else ""


def _has_lines(body: bytes) -> bool:
    """Tell whether its first two lines are an object, a list or a string each. Two are enough: it may have many."""
    first, _, rest = body.lstrip().partition(b"\n")
    second = rest.lstrip().partition(b"\n")[0]
    return all(line[:1] in (b"{", b"[", b'"') and _is_json(line) for line in (first, second))


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _say(body: bytes, error: Exception) -> str:
    """Say it in msgspec's words, and show what stands at the place that it names."""
    if str(error) == "Input data was truncated":
        return "it ends too early"
    if found := _PLACE.fullmatch(str(error)):
        place = int(found[2])
        near = body[max(0, place - NUM_NEAR) : place + NUM_NEAR].decode("utf-8", "ignore")
        return f"{found[1]} at byte {place}, near {quote(near)}"
    return str(error)
