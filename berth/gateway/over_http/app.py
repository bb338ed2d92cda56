"""The gateway's HTTP application: its addresses, and every error in the form of the protocol that was asked."""

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from handler.doors.paths import ROOT_PATHS, Form

from ..error_answer import ErrorAnswer
from ..model_server import ModelServer
from ..page.around import Around
from ..page.files import Files
from ..page.pages import PageCalls
from ..readiness import Readiness
from ..settings import GatewaySettings
from .embeddings_door import EmbeddingsDoor
from .long_bodies import LongBodies
from .model_metadata import ModelMetadata
from .pages import ServerPages
from .reading import MAX_BYTES
from .root_paths import RootPaths
from .writing import to_json

logger = logging.getLogger(__name__)

REFUSAL = "x-refusal"
HEAR_S = 5.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
FORMS = {f"/{path.url_path}": path.form for path in ROOT_PATHS} | {"/health": Form.TEI, "/v1/models": Form.OPENAI}
BEGINNINGS = {"/v1/models/": Form.OPENAI, "/v2/health/": Form.V2, "/v2/models/": Form.V2, "/v2": Form.V2}
OF_A_MODEL = re.compile("/predictions/[^/]+/[^/]+(?=/)")
OF_KSERVE = re.compile("/v1/models/[^/]+:")


def make_app(settings: GatewaySettings, server: ModelServer, readiness: Readiness, around: Around) -> web.Application:
    """Make the application of all addresses."""
    longest = max(MAX_BYTES, settings.max_request_bytes)
    app = web.Application(middlewares=[refuse_in_form], client_max_size=longest)
    app.add_routes(ServerPages(settings, readiness).routes())
    app.add_routes(ModelMetadata(settings, server).routes())
    app.add_routes(EmbeddingsDoor(settings, server).routes())
    app.add_routes(RootPaths(settings, server).routes())
    app.add_routes(LongBodies(settings, server).routes())
    app.add_routes(Files().routes())
    app.add_routes(PageCalls(settings, around, readiness).routes())
    return app


@web.middleware
async def refuse_in_form(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer what is refused in the form that the asked address's clients read."""
    try:
        if REFUSAL in request.headers:
            return await hear_out(request)
        return await handler(request)
    except ErrorAnswer as error:
        answer = error
    except web.HTTPException as error:
        answer = _explain(error, request)
    except ConnectionError:  # the client is gone
        raise
    except Exception:  # whatever it is, the client gets JSON
        logger.exception("the gateway could not answer %s", request.path)
        answer = ErrorAnswer(500, "InternalError", "the gateway could not answer this; the server's log says why")
    return to_json(answer.value(form_of(request.path)), answer.status, answer.headers)


async def hear_out(request: web.Request) -> web.Response:
    """Read what the front refuses and is still to come, for HEAR_S seconds; the front says why in another's place."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HEAR_S):
            async for _ in request.content.iter_any():
                pass
    return web.Response(status=204)


def form_of(path: str) -> Form:
    """The form of errors at an address: at a model's own it is the same as at the root."""
    if OF_KSERVE.match(path):
        return Form.NATIVE
    begun = (form for beginning, form in BEGINNINGS.items() if path.startswith(beginning))
    return FORMS.get(OF_A_MODEL.sub("", path)) or next(begun, Form.NATIVE)


def _explain(error: web.HTTPException, request: web.Request) -> ErrorAnswer:
    """aiohttp's own refusals, in words."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = " or ".join(sorted(error.allowed_methods - {"HEAD"}))
        return ErrorAnswer(405, "MethodNotAllowed", f"{request.path} is asked by {allowed}, not by {error.method}")
    return ErrorAnswer(
        error.status, "UnknownPath", f"there is nothing at {request.path[:200]!r}: docs/api.md has a list"
    )
