"""A body that its client has compressed, as it was before. Pure.

The size is bounded while it is read, for a thousand bytes may stand for a million; so is the work, by one stream alone.
"""

import zlib
from collections.abc import Mapping

from ..errors import NotParseable, RequestTooLarge, UnsupportedMedia
from ..wire import count, quote
from .body import require_bytes

HEADER = "content-encoding"
GZIP, ZLIB, BARE = 31, 15, -15  # zlib's wbits: which head and tail are around the stream
READ = "gzip, deflate"


def inflate(fields: Mapping[str, object], headers: Mapping[str, object], max_bytes: int) -> Mapping[str, object]:
    """Return the fields with the body that was compressed. RequestError where it is not what its header says.

    TorchServe leaves a content-encoding as it is; of a form it has made nothing then.
    """
    said = next((value for name, value in headers.items() if name.lower() == HEADER), None)
    if not isinstance(said, str) or said.lower() in ("", "identity") or not fields.get("body"):
        return fields
    body = require_bytes(fields["body"])
    match said.lower():
        case "gzip" | "x-gzip":
            window = GZIP
        case "deflate":  # with zlib's head, RFC 9110 says, and some clients send none
            window = ZLIB if body[0] & 15 == 8 and int.from_bytes(body[:2]) % 31 == 0 else BARE
        case _:
            raise UnsupportedMedia(f"{HEADER} {quote(said)} is not read here: send one of {READ}, or none")
    return {**fields, "body": _decompress(body, window, quote(said), max_bytes)}


def _decompress(body: bytes | bytearray, window: int, name: str, max_bytes: int) -> bytes:
    stream = zlib.decompressobj(window)
    try:
        found = stream.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise NotParseable(f"the body is not {name}, as {HEADER} says: {error}") from None
    if len(found) > max_bytes:
        raise RequestTooLarge(
            f"the body has more than {max_bytes} bytes once it is unpacked, which is the server's max_request_size: "
            "send several requests"
        )
    if not stream.eof:
        raise NotParseable(f"the body is not {name}, as {HEADER} says: it ends too early")
    if stream.unused_data:
        raise NotParseable(f"the body has {count(len(stream.unused_data), 'byte')} behind the end of its {name}")
    return found
