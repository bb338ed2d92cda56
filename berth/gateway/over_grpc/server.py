"""The gateway's gRPC server: the Open Inference Protocol, health, reflection, and words for every other call."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import grpc
import grpc.aio
from grpc_reflection.v1alpha.reflection import enable_server_reflection

from ...clients.grpc_client import OPEN_INFERENCE
from ..model_server import ModelServer
from ..readiness import Readiness
from ..settings import GatewaySettings
from .health_service import HealthService
from .infer_service import InferService
from .services import HEALTH_SERVICE, SERVICES, V2_SERVICE, load_pool

MAX_MESSAGE_BYTES = 20 * 2**20  # more than the models' server takes: it is read, so that its client learns why not
STREAM = "ModelStreamInfer"
HEAR_S = 5.0
REFUSAL = "x-refusal"
UNIMPLEMENTED = 12
CODES = {code.value[0]: code for code in grpc.StatusCode}


class RefusedCalls(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Says what the front refuses: no proxy can end a call in gRPC's words while its client is still sending.

    An interceptor, because reflection's handlers are found before every generic one.
    """

    def __init__(self, refusals: Mapping[str, tuple[int, str]]) -> None:
        self._refusals = refusals

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> grpc.RpcMethodHandler:
        """Return a handler that refuses the call, or the one of a call that the front let in."""
        reason = dict(handler_call_details.invocation_metadata).get(REFUSAL, "")
        if reason in self._refusals:
            return refusing(*self._refusals[reason])
        return await continuation(handler_call_details)


class OtherCalls(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Refuses what nobody serves, in words; gRPC's own say only that there is no such method."""

    def service(self, handler_call_details: Any) -> grpc.RpcMethodHandler:
        """Return a handler that takes any call and refuses it."""
        return refusing(UNIMPLEMENTED, _explain(handler_call_details.method))


def refusing(code: int, message: str) -> grpc.RpcMethodHandler:
    """Return a handler that takes any call and ends it with this status."""

    async def refuse(messages: Any, context: Any) -> None:
        await _hear_out(messages)
        await context.abort(CODES[code], message)

    return grpc.stream_stream_rpc_method_handler(refuse)


async def _hear_out(messages: Any) -> None:
    """Read what a client sends: HAProxy cancels a call that is answered earlier, and the client never learns why."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HEAR_S):
            async for _ in messages:
                pass


def _explain(path: str) -> str:
    service, _, method = path.strip("/").rpartition("/")
    if service == V2_SERVICE and method == STREAM:
        return f"{STREAM} is not served here, because every answer is one message: use ModelInfer, for many at once too"
    if service == HEALTH_SERVICE:
        return f"{method} is not served here: {service} has Check and Watch, and a model is asked about by ModelReady"
    if service in SERVICES:
        return f"{method} is not served here: this server loads, configures and counts its models by other ways"
    return f"there is no service {service!r} here: this server has {', '.join(SERVICES)}"


def make_server(
    settings: GatewaySettings, server: ModelServer, readiness: Readiness, ending: asyncio.Event
) -> grpc.aio.Server:
    """Make the server, which listens on its socket once it is started."""
    options = (
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    )
    made = grpc.aio.server(options=options, interceptors=(RefusedCalls(settings.refusals),))
    infer = InferService(settings, server, readiness).handlers()
    health = HealthService(readiness, ending).handlers()
    for name, handlers in ((V2_SERVICE, infer), (OPEN_INFERENCE, infer), (HEALTH_SERVICE, health)):
        made.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, handlers),))
    enable_server_reflection(SERVICES, made, load_pool())
    made.add_generic_rpc_handlers((OtherCalls(),))
    made.add_insecure_port(f"unix:{settings.grpc}")
    return made
