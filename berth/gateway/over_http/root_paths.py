"""Other protocols' addresses at the root: of several models the body says which one is meant. The rest is forwarded."""

import msgspec
from aiohttp import web

from handler.doors.paths import ROOT_PATHS

from ..error_answer import ErrorAnswer
from ..model_server import ModelServer
from ..settings import GatewaySettings
from ..terms import read_terms
from .reading import content_type, read_body
from .writing import pass_back

EMBEDDINGS = "v1/embeddings"


class Named(msgspec.Struct, frozen=True):
    """All of a body that is read here."""

    model: object = None


class RootPaths:
    """Forwards each request to its model's own address."""

    def __init__(self, settings: GatewaySettings, server: ModelServer) -> None:
        self._settings = settings
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        """Every address but that of embeddings, which has a door of its own."""
        others = (path for path in ROOT_PATHS if path.url_path != EMBEDDINGS)
        return [web.route(method, f"/{path.url_path}", self.forward) for path in others for method in path.methods]

    async def forward(self, request: web.Request) -> web.Response:
        """Ask the model that is meant, and pass its answer back."""
        terms = read_terms(request.headers)
        body = await read_body(request, self._settings.max_request_bytes)
        path = model_path(self._settings, body, request.path)
        return pass_back(await self._server.ask(request.method, path, terms, headers=content_type(request), body=body))


def model_path(settings: GatewaySettings, body: bytes, path: str) -> str:
    """The model's own address for what was asked at the root; ErrorAnswer when none of several is named."""
    name = settings.default_model
    if len(settings.models) > 1:
        named = _read_name(body)
        if named not in settings.models:
            raise _name_one(settings, named, path)
        name = str(named)
    return settings.path_of(name, path)


def _read_name(body: bytes) -> object:
    if not body:
        return None
    try:
        return msgspec.json.decode(body, type=Named).model
    except ValueError as error:  # msgspec's are its subclasses
        raise ErrorAnswer(400, "NotParseable", f"the body is no JSON object that names a model: {error}") from None


def _name_one(settings: GatewaySettings, named: object, path: str) -> ErrorAnswer:
    example = settings.path_of(settings.default_model, path)
    there_is = "there are several models here" if named is None else f"there is no model {str(named)[:100]!r} here"
    return ErrorAnswer(
        404,
        "UnknownModel",
        f"{there_is}: name one of {settings.names} as `model` in the body, or ask its own address, such as {example}",
    )
