"""grpc.health.v1: whether a request sent now would be answered, for every service alike."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from grpc_health.v1 import health_pb2

from ..readiness import KEPT_S, Readiness
from .services import SERVICES

ALL = ""  # the whole server, as the protocol has it
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


class HealthService:
    """Answers Check at once, and Watch with every change until the gateway ends."""

    def __init__(self, readiness: Readiness, ending: asyncio.Event) -> None:
        self._readiness = readiness
        self._ending = ending

    def handlers(self) -> dict[str, grpc.RpcMethodHandler]:
        """gRPC's handler for each call, by its name."""
        read, write = health_pb2.HealthCheckRequest.FromString, health_pb2.HealthCheckResponse.SerializeToString
        return {
            "Check": grpc.unary_unary_rpc_method_handler(self.check, read, write),
            "Watch": grpc.unary_stream_rpc_method_handler(self.watch, read, write),
        }

    async def check(self, request: Any, context: Any) -> Any:
        """The status now; NOT_FOUND for a service that is not here."""
        status = await self._status(request.service)
        if status == SERVICE_UNKNOWN:
            known = ", ".join(SERVICES)
            message = f"there is no service {request.service!r} here: leave it empty, or name one of {known}"
            await context.abort(grpc.StatusCode.NOT_FOUND, message)
        return health_pb2.HealthCheckResponse(status=status)

    async def watch(self, request: Any, _context: Any) -> AsyncIterator[Any]:
        """The status, and each that follows."""
        last = None
        while not self._ending.is_set():
            status = await self._status(request.service)
            if status != last:
                yield health_pb2.HealthCheckResponse(status=status)
            last = status
            await self._sleep()
        yield health_pb2.HealthCheckResponse(status=NOT_SERVING)

    async def _status(self, service: str) -> Any:
        if service not in (ALL, *SERVICES):
            return SERVICE_UNKNOWN
        is_ready = not self._ending.is_set() and await self._readiness.why_not() is None
        return SERVING if is_ready else NOT_SERVING

    async def _sleep(self) -> None:
        try:
            await asyncio.wait_for(self._ending.wait(), KEPT_S)
        except TimeoutError:
            return
