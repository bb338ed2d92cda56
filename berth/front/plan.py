"""What a front is told: whose addresses it takes, and where TorchServe and the gateway listen behind it."""

import contextlib
import socket
from dataclasses import dataclass, replace
from pathlib import Path

from ..archive.served_model import ServedModel
from ..endpoint import Endpoint
from ..settings import Settings
from .keys import KeySource

LOOPBACK = "127.0.0.1"
MAX_THREADS = 4  # one moves some 10,000 requests a second


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontPlan:
    """One front: the clients' addresses before it, TorchServe's behind it, and the models between."""

    executable: Path
    outside: Settings
    """With the addresses of config.properties, which the front takes."""
    behind: Settings
    """The same with the addresses on loopback that TorchServe gets instead."""
    models: tuple[ServedModel, ...]
    max_requests: int
    """Requests of one model that TorchServe gets at once; the others wait in the front."""
    max_connections: int
    """Clients that may be connected at once, as far as memory goes."""
    threads: int
    health: Endpoint
    """Where the launcher says whether the models are ready."""
    keys: KeySource | None = None
    """The API keys, one of which each request must have; None: whoever reaches it may ask."""


def move_behind(settings: Settings) -> Settings:
    """Give TorchServe two ports of loopback that are free now."""
    with contextlib.ExitStack() as held:
        first, second = (held.enter_context(socket.create_server((LOOPBACK, 0))) for _ in range(2))
        http_port, grpc_port = first.getsockname()[1], second.getsockname()[1]
    return replace(
        settings,
        inference=Endpoint(key=settings.inference.key, host=LOOPBACK, port=http_port),
        grpc_inference=Endpoint(key=settings.grpc_inference.key, host=LOOPBACK, port=grpc_port),
    )
