"""The gateway's HTTP addresses that no model answers: lists of models, readiness, what the server is."""

import time
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

import berth
from handler.doors.paths import ROOT_PATHS, Form

from .model_server import ModelServer
from .readiness import Readiness
from .refusal import Refusal
from .settings import GatewaySettings

EXTENSIONS = ["binary_tensor_data"]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
FORMS = {f"/{path.url_path}": path.form for path in ROOT_PATHS} | {"/health": Form.TEI}


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
            raise Refusal(503, "NotReady", f"the server is not ready: {reason}")
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


def make_app(settings: GatewaySettings, server: ModelServer, readiness: Readiness) -> web.Application:
    """Make the application of all addresses."""
    app = web.Application(middlewares=[speak_in_form])
    app.add_routes(ServerPages(settings, readiness).routes())
    return app


def to_json(value: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A response with any value as JSON."""
    return web.Response(
        body=msgspec.json.encode(value), status=status, headers=headers, content_type="application/json"
    )


@web.middleware
async def speak_in_form(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a refusal in the form that the asked address's clients read."""
    try:
        return await handler(request)
    except Refusal as refusal:
        return to_json(refusal.value(form_of(request.path)), refusal.status, refusal.headers)


def form_of(path: str) -> Form:
    """The form of errors at an address of HTTP."""
    if path.startswith("/v1/models"):
        return Form.OPENAI
    return Form.V2 if path == "/v2" or path.startswith(("/v2/models", "/v2/health")) else FORMS.get(path, Form.NATIVE)


def _ready(reason: str | None) -> dict[str, object]:
    return {"ready": True} if reason is None else {"ready": False, "error": f"the server is not ready: {reason}"}


def _status(reason: str | None) -> int:
    return 200 if reason is None else 503
