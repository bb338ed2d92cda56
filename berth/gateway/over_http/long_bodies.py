"""Bodies that are long: TorchServe hangs up on one that is too long, so each is measured here."""

from aiohttp import web

from ..model_server import ModelServer
from ..settings import GatewaySettings
from ..terms import read_terms
from .reading import read_bytes
from .writing import pass_back

ADDRESSES = ("/predictions/{rest:.+}", "/explanations/{rest:.+}", "/v1/models/{rest:.+}", "/v2/models/{rest:.+}")
SAID_OF_BODIES = ("content-type", "content-encoding", "inference-header-content-length")


class LongBodies:
    """Passes requests to a model's own addresses on, with the length that they lacked."""

    def __init__(self, settings: GatewaySettings, server: ModelServer) -> None:
        self._settings = settings
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        """The models' own addresses, by every method that the front hands on."""
        return [web.route("*", path, self.forward) for path in ADDRESSES]

    async def forward(self, request: web.Request) -> web.Response:
        """Read all of the body, and ask as its client did; ErrorAnswer for one that is too long."""
        terms = read_terms(request.headers)
        body = await read_bytes(request, self._settings.max_request_bytes)
        said = {name: request.headers[name] for name in SAID_OF_BODIES if name in request.headers}
        return pass_back(await self._server.ask(request.method, request.raw_path, terms, headers=said, body=body))
