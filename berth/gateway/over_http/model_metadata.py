"""v2's description of a model over HTTP."""

from aiohttp import web

from ..metadata import ask_metadata
from ..model_server import ModelServer
from ..settings import GatewaySettings
from ..terms import read_terms
from .writing import pass_back


class ModelMetadata:
    """Asks the model, and adds what it does not know."""

    def __init__(self, settings: GatewaySettings, server: ModelServer) -> None:
        self._settings = settings
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        """A model's own address, with and without a version."""
        paths = ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")
        return [web.get(path, self.describe) for path in paths]

    async def describe(self, request: web.Request) -> web.Response:
        """What the model takes and gives, and which versions of it there are."""
        asked, terms = request.match_info, read_terms(request.headers)
        version = asked.get("version", "")
        return pass_back(await ask_metadata(self._settings, self._server, asked["model"], version, terms))
