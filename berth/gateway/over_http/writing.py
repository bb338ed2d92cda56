"""What the gateway answers over HTTP: a value of its own, or the answer of the models' server."""

import msgspec
from aiohttp import web

from ..model_server import Answer

# They are of one connection (RFC 9110, 7.6.1), or are written anew.
OF_ONE_CONNECTION = ("connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "content-length")


def to_json(value: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A response with any value as JSON."""
    body = msgspec.json.encode(value)
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


def pass_back(answer: Answer) -> web.Response:
    """The server's own answer."""
    headers = [(name, value) for name, value in answer.headers.items() if name.lower() not in OF_ONE_CONNECTION]
    return web.Response(body=answer.body, status=answer.status, headers=headers)
