"""What a browser loads: files of our own, the same for everybody, held in memory. They need no key: nothing is in them.

A page loads nothing from elsewhere, runs no script that stands in it, and is shown in no other page's frame.
"""

import hashlib
from pathlib import Path

from aiohttp import web

from ..error_answer import ErrorAnswer
from .description import Description

STATIC = Path(__file__).with_name("static")
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",  # kept, and asked for anew by its etag: another berth may be there by then
}


class Files:
    """The two pages, what they load, and the API's description."""

    def __init__(self) -> None:
        files = (path for path in STATIC.rglob("*") if path.suffix in TYPES)
        self._files = {path.relative_to(STATIC).as_posix(): path.read_bytes() for path in files}
        self._description = Description()

    def routes(self) -> list[web.RouteDef]:
        """Each address."""
        return [
            web.get("/ui/", self.to_page),
            web.get("/ui", self.page),
            web.get("/docs", self.page),
            web.get("/ui/static/{name:.+}", self.file),
            web.get("/openapi.json", self.description),
        ]

    async def to_page(self, _request: web.Request) -> web.Response:
        """Lead to the page, whose own address has no slash at its end."""
        return web.Response(status=302, headers={"location": "/ui"})

    async def page(self, request: web.Request) -> web.Response:
        """One of the two pages."""
        return self._send(request, f"{request.path.removeprefix('/')}.html")

    async def file(self, request: web.Request) -> web.Response:
        """What a page loads; ErrorAnswer for what is not among it."""
        return self._send(request, request.match_info["name"])

    async def description(self, request: web.Request) -> web.Response:
        """The REST API as OpenAPI 3.1, in gzip, which every browser reads."""
        body = await self._description.read()
        return _answer(request, body, "application/json", {"content-encoding": "gzip"})

    def _send(self, request: web.Request, name: str) -> web.Response:
        body = self._files.get(name)
        if body is None:
            raise ErrorAnswer(404, "UnknownPath", f"there is no file {name[:200]!r} of the page: it begins at /ui")
        return _answer(request, body, f"{TYPES[Path(name).suffix]}; charset=utf-8", {})


def _answer(request: web.Request, body: bytes, content_type: str, more: dict[str, str]) -> web.Response:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {**HEADERS, "etag": etag}
    if request.headers.get("if-none-match") == etag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, headers={**headers, "content-type": content_type, **more})
