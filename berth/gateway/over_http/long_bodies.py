"""Long bodies, which are read here to their end: at TorchServe one that trickles would keep others' place."""

import asyncio

from aiohttp import web

from ..model_server import ModelServer
from ..refusal import Refusal, too_large
from ..settings import GatewaySettings
from ..terms import read_terms
from .writing import pass_back

ADDRESSES = ("/predictions/{rest:.+}", "/explanations/{rest:.+}", "/v1/models/{rest:.+}", "/v2/models/{rest:.+}")
BODY_S = 60.0
SAID_OF_BODIES = ("content-type", "inference-header-content-length")


class LongBodies:
    """Passes requests to a model's own addresses on once they are there, with the length that some lacked."""

    def __init__(self, settings: GatewaySettings, server: ModelServer) -> None:
        self._settings = settings
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        """The models' own addresses, as the front hands them on."""
        return [web.route(method, path, self.forward) for path in ADDRESSES for method in ("POST", "PUT")]

    async def forward(self, request: web.Request) -> web.Response:
        """Read all of the body, and ask as its client did; Refusal for one that is too long."""
        terms, limit = read_terms(request.headers), self._settings.max_request_bytes
        body = await _read(request)
        if len(body) > limit:
            raise too_large(len(body), limit)
        said = {name: request.headers[name] for name in SAID_OF_BODIES if name in request.headers}
        return pass_back(await self._server.ask(request.method, request.raw_path, terms, headers=said, body=body))


async def _read(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_S):
            return await request.read()
    except TimeoutError as error:
        message = f"the body did not arrive within {BODY_S:g} s: send it again"
        raise Refusal(408, "RequestTimeout", message) from error
