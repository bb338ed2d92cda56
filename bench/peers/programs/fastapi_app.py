"""FastAPI around sentence-transformers, with batches of what waits; a uvicorn in each of its processes.

Uvicorn's own workers accept from one shared socket, where one of them may take every kept connection while the others
idle: measured, 32 of 32. Here each process listens for itself (SO_REUSEPORT), and the kernel spreads the connections.
"""

import json
import multiprocessing
import multiprocessing.connection
import signal
import socket
import sys
from multiprocessing.synchronize import Barrier
from typing import Annotated

import uvicorn
from fastapi import Body, FastAPI, Response

from .batcher import Batcher
from .encoder import load_encode
from .given import Given


def make_app(given: Given) -> FastAPI:
    """One process's app: `{"inputs": text}` -> a list of floats."""
    batcher, app = Batcher(load_encode(given), given.batch), FastAPI()

    async def predict(inputs: Annotated[str, Body(embed=True)]) -> Response:
        return Response(json.dumps(await batcher.ask(inputs)), media_type="application/json")

    app.post("/predict")(predict)
    return app


def serve(given: Given, all_loaded: Barrier) -> None:
    """Serve in this process, once every process has its model: nobody takes connections before the others can."""
    config = uvicorn.Config(make_app(given), log_level="warning")
    all_loaded.wait()
    uvicorn.Server(config).run(sockets=[listen(given.port)])


def listen(port: int) -> socket.socket:
    """A socket that shares its port; asyncio switches Nagle's delay off only where a socket names its protocol."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind(("127.0.0.1", port))
    return listening


def main() -> None:
    """Start every process, and end them all when this one is ended, or one of them is."""
    given, context = Given.read(), multiprocessing.get_context("spawn")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    all_loaded = context.Barrier(given.workers)
    processes = [context.Process(target=serve, args=(given, all_loaded)) for _ in range(given.workers)]
    try:
        for process in processes:
            process.start()
        multiprocessing.connection.wait([process.sentinel for process in processes])
    finally:
        for process in processes:
            process.terminate()


if __name__ == "__main__":
    main()
