"""The addresses that the page itself asks, with the key that a person gave it: /ui/models, /ui/state, and workers."""

import msgspec
from aiohttp import web
from yarl import URL

from ...clients.worker_count import require_sensible
from ...errors import UsageError
from ..error_answer import ErrorAnswer, no_answer
from ..readiness import Readiness
from ..settings import GatewaySettings
from .around import Around
from .files import HEADERS
from .state import Facts, LiveState

MAX_BYTES = 1024
OWN_HOSTS = ("127.0.0.1", "localhost", "::1")


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request for another number of workers."""

    workers: int


class PageCalls:
    """What the page shows beside answers."""

    def __init__(self, settings: GatewaySettings, around: Around, readiness: Readiness) -> None:
        self._settings = settings
        self._around = around
        self._facts = Facts(settings, around)
        self._state = LiveState(settings, around, readiness)

    def routes(self) -> list[web.RouteDef]:
        """Each address."""
        return [
            web.get("/ui/models", self.models),
            web.get("/ui/state", self.state),
            web.put("/ui/models/{model}/{version}/workers", self.scale),
        ]

    async def models(self, _request: web.Request) -> web.Response:
        """Each version of each model."""
        return _to_json({"models": await self._facts.read()})

    async def state(self, _request: web.Request) -> web.Response:
        """How the server is now."""
        return _to_json(await self._state.read())

    async def scale(self, request: web.Request) -> web.Response:
        """Ask for so many workers of a version; ErrorAnswer where memory is short, or a stranger's page asks."""
        _require_own(request)
        name, version = request.match_info["model"], request.match_info["version"]
        self._settings.version_of(name, version)
        workers = await _read_workers(request)
        capacity = await self._around.capacity()
        if capacity is None:
            raise ErrorAnswer(503, "NotReady", "the launcher does not say how many workers fit: try it again")
        if workers > capacity.max_workers:
            room = f"this server has room for {capacity.max_workers} of each model: {capacity.reason}"
            raise ErrorAnswer(422, "InvalidInput", f"{workers} workers are too many; {room}", "/workers")
        if not await self._around.scale(f"{name}/{version}", workers):
            raise no_answer("TorchServe did not take the order: its log may say why")
        return _to_json({"model": name, "version": version, "workers": workers}, 202)


def _require_own(request: web.Request) -> None:
    """Refuse what was asked under another host's name, or not by a page from here: it need not be this machine's.

    A browser says of each request whose page sent it, and no page can change that; who is no browser may say anything.
    """
    origin = request.headers.get("origin")
    host = URL(f"http://{request.host}")
    is_own = request.headers.get("sec-fetch-site") == "same-origin"
    is_own = is_own and (origin is None or URL(origin).authority == host.authority)
    if host.host not in OWN_HOSTS or not is_own:
        raise ErrorAnswer(
            403,
            "Forbidden",
            "workers are changed at 127.0.0.1 or localhost alone, by its own page: run `berth scale` on that machine",
        )


async def _read_workers(request: web.Request) -> int:
    if request.content_type != "application/json" or (request.content_length or MAX_BYTES) >= MAX_BYTES:
        raise ErrorAnswer(415, "UnsupportedMedia", 'send {"workers": 2} as application/json')
    try:
        workers = msgspec.json.decode(await request.read(), type=Wanted).workers
        require_sensible(workers)
    except (msgspec.DecodeError, UsageError) as error:
        raise ErrorAnswer(422, "InvalidInput", f'send {{"workers": 2}}: {error}', "/workers") from error
    return workers


def _to_json(value: object, status: int = 200) -> web.Response:
    body = msgspec.json.encode(value)
    headers = {**HEADERS, "cache-control": "no-store"}
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")
