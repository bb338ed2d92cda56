"""A request's body as it was before its client compressed it, and what its client says of it."""

import asyncio

from aiohttp import web

from handler.doors.inflate import HEADER, inflate
from handler.errors import RequestError, RequestTooLarge

from ..error_answer import ErrorAnswer, too_large

MAX_BYTES = 8 * 2**20  # 2,048 texts of 4 KiB, which is longer than what BERT reads of one

READ_S = 15.0  # for a whole body; who is slower holds what others wait for


async def read_body(request: web.Request, max_bytes: int = MAX_BYTES) -> bytes:
    """Read a body, in gzip and deflate too; ErrorAnswer where it is not what it says, or has more than `max_bytes`."""
    body = await read_bytes(request, max_bytes)
    try:
        fields = inflate({"body": body}, {HEADER: request.headers.get(HEADER, "")}, max_bytes)
    except RequestTooLarge as error:
        raise too_large(None, max_bytes) from error
    except RequestError as error:
        raise ErrorAnswer(error.status, type(error).__name__, error.message) from error
    found = fields["body"]
    assert isinstance(found, bytes)
    return found


async def read_bytes(request: web.Request, max_bytes: int) -> bytes:
    """Read a body as it was sent; ErrorAnswer where it has more than `max_bytes`, or is slow."""
    try:
        async with asyncio.timeout(READ_S):
            body = await request.read()
    except web.HTTPRequestEntityTooLarge as error:  # than what any address takes
        raise too_large(None, max_bytes) from error
    except TimeoutError as error:
        message = f"the request did not arrive within {READ_S:g} s: send it again"
        raise ErrorAnswer(408, "RequestTimeout", message) from error
    if len(body) > max_bytes:
        raise too_large(len(body), max_bytes)
    return body


def content_type(request: web.Request) -> dict[str, str]:
    """The header that goes on with a body, whose content-encoding is undone."""
    said = request.headers.get("content-type")
    return {} if said is None else {"content-type": said}
