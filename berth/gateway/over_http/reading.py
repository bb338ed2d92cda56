"""A request's body as it was before its client compressed it, and what its client says of it."""

from aiohttp import web

from handler.doors.inflate import HEADER, inflate
from handler.errors import RequestError, RequestTooLarge

from ..refusal import Refusal, too_large

MAX_BYTES = 8 * 2**20  # 2,048 texts of 4 KiB, which is longer than what BERT reads of one


async def read_body(request: web.Request, max_bytes: int = MAX_BYTES) -> bytes:
    """Read a body, in gzip and deflate too; Refusal where it is not what it says, or has more than `max_bytes`."""
    body = await request.read()
    try:
        fields = inflate({"body": body}, {HEADER: request.headers.get(HEADER, "")}, max_bytes)
    except RequestTooLarge as error:
        raise too_large(None, max_bytes) from error
    except RequestError as error:
        raise Refusal(error.status, type(error).__name__, error.message) from error
    found = fields["body"]
    assert isinstance(found, bytes)
    if len(found) > max_bytes:
        raise too_large(len(found), max_bytes)
    return found


def content_type(request: web.Request) -> dict[str, str]:
    """The header that goes on with a body, whose content-encoding is undone."""
    said = request.headers.get("content-type")
    return {} if said is None else {"content-type": said}
