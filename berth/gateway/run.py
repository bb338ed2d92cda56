"""The gateway's process: what it opens, how it ends."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from .model_server import ModelServer
from .over_grpc.server import make_server
from .over_http.app import make_app
from .page.around import Around
from .readiness import Readiness
from .settings import GatewaySettings

SIGNALS = (signal.SIGTERM, signal.SIGINT)


async def run(settings: GatewaySettings) -> None:
    """Serve until a signal asks to end; then take nothing more, and answer what was accepted within `grace_s`."""
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, ending.set)
    async with ModelServer.connected(*settings.addresses) as server, aiohttp.ClientSession() as session:
        readiness = Readiness(session, settings.health)
        around = Around(settings, session)
        async with _grpc(settings, server, readiness, ending), _http(settings, server, readiness, around):
            await ending.wait()


@asynccontextmanager
async def _grpc(
    settings: GatewaySettings, server: ModelServer, readiness: Readiness, ending: asyncio.Event
) -> AsyncIterator[None]:
    if settings.grpc is None:
        yield
        return
    grpc_server = make_server(settings, server, readiness, ending)
    await grpc_server.start()
    try:
        yield
    finally:
        await grpc_server.stop(settings.grace_s)


@asynccontextmanager
async def _http(
    settings: GatewaySettings, server: ModelServer, readiness: Readiness, around: Around
) -> AsyncIterator[None]:
    app = make_app(settings, server, readiness, around)
    runner = web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,  # aiohttp's says in a stack trace that a client sent something else
        handler_cancellation=True,
        shutdown_timeout=settings.grace_s,
    )
    await runner.setup()
    try:
        await _site(runner, settings.http).start()
        yield
    finally:
        await runner.cleanup()


def _site(runner: web.AppRunner, address: str) -> web.BaseSite:
    """Where it listens: a path is a unix socket's."""
    if "/" in address:
        return web.UnixSite(runner, address)
    host, _, port = address.rpartition(":")
    return web.TCPSite(runner, host, int(port))
