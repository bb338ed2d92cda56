"""The gateway's HTTP addresses that no model answers: lists of models, readiness, what the server is."""

import time

from aiohttp import web

import berth

from ..error_answer import ErrorAnswer
from ..readiness import Readiness
from ..settings import GatewaySettings
from .writing import to_json

EXTENSIONS = ["binary_tensor_data"]


class ServerPages:
    """What is known without asking a model."""

    def __init__(self, settings: GatewaySettings, readiness: Readiness) -> None:
        self._settings = settings
        self._readiness = readiness
        self._started_s = int(time.time())

    def routes(self) -> list[web.RouteDef]:
        """Each page's address."""
        return [
            web.get("/health", self.health),
            web.get("/v1/models", self.models),
            web.get("/v1/models/{model}", self.model),
            web.get("/v2", self.metadata),
            web.get("/v2/", self.metadata),
            web.get("/v2/health/live", self.live),
            web.get("/v2/health/ready", self.ready),
            web.get("/v2/models/{model}/ready", self.model_ready),
            web.get("/v2/models/{model}/versions/{version}/ready", self.model_ready),
        ]

    async def health(self, _request: web.Request) -> web.Response:
        """TEI's: 200 without a body, or why not."""
        if (reason := await self._readiness.why_not()) is not None:
            raise ErrorAnswer(503, "NotReady", f"the server is not ready: {reason}")
        return web.Response()

    async def models(self, _request: web.Request) -> web.Response:
        """OpenAI's list."""
        return to_json({"object": "list", "data": [self._describe(name) for name in self._settings.models]})

    async def model(self, request: web.Request) -> web.Response:
        """One object that OpenAI's clients read, and KServe's as the readiness of v1."""
        name = self._named(request)
        reason = await self._readiness.why_not()
        return to_json({**self._describe(name), "name": name, "ready": reason is None}, _status(reason))

    async def metadata(self, _request: web.Request) -> web.Response:
        """v2's description of the server."""
        return to_json({"name": "berth", "version": berth.__version__, "extensions": EXTENSIONS})

    async def live(self, _request: web.Request) -> web.Response:
        """v2: somebody is here."""
        return to_json({"live": True})

    async def ready(self, _request: web.Request) -> web.Response:
        """v2: whether the server's models answer."""
        reason = await self._readiness.why_not()
        return to_json(_ready(reason), _status(reason))

    async def model_ready(self, request: web.Request) -> web.Response:
        """v2: whether this model answers."""
        name = self._named(request)
        reason = await self._readiness.why_not()
        return to_json({"name": name, **_ready(reason)}, _status(reason))

    def _named(self, request: web.Request) -> str:
        name = request.match_info["model"]
        self._settings.version_of(name, request.match_info.get("version", ""))
        return name

    def _describe(self, name: str) -> dict[str, object]:
        return {"id": name, "object": "model", "created": self._started_s, "owned_by": "berth"}


def _ready(reason: str | None) -> dict[str, object]:
    return {"ready": True} if reason is None else {"ready": False, "error": f"the server is not ready: {reason}"}


def _status(reason: str | None) -> int:
    return 200 if reason is None else 503
