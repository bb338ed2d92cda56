"""What a front is told: whose addresses it takes, and where TorchServe and the gateway listen behind it."""

import contextlib
import itertools
import random
import socket
from collections.abc import Generator, Iterator, Set
from dataclasses import dataclass, replace
from pathlib import Path

from ..archive.served_model import ServedModel
from ..archive.versions import default_models, versions_by_name
from ..endpoint import Endpoint
from ..settings import Settings
from .keys import KeySource

BESIDE = "::beside"
"""The end of the names of backends for versions that another TorchServe has: no version begins with a colon."""
GIVEN_AWAY = Path("/proc/sys/net/ipv4/ip_local_port_range")
"""The first and the last port that Linux gives to connections."""
SERVER = "torchserve"
"""The name of a backend's only server."""
LOOPBACK = "127.0.0.1"
LOWEST = 20_000  # services have those below
MAX_THREADS = 4  # one moves some 10,000 requests a second


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Other versions of models that are served, while a rollout goes on: who names one of these versions gets it."""

    behind: Settings
    """With the addresses of the TorchServe that has them."""
    models: tuple[ServedModel, ...]
    percent: int = 0
    """Of 100 requests to such a model, which name no version, how many go to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A model with a queue of its own."""

    name: str
    """As HAProxy knows it."""
    model: ServedModel
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontPlan:
    """One front: the clients' addresses before it, TorchServe's behind it, and the models between."""

    executable: Path
    outside: Settings
    """With the addresses of config.properties, which the front takes."""
    behind: Settings
    """The same with the addresses on loopback that TorchServe gets instead."""
    models: tuple[ServedModel, ...]
    """Of each name the first is the default."""
    max_requests: int
    """Requests of one model that TorchServe gets at once; the others wait in the front."""
    max_at_start: int | None = None
    """How many it gets at first, while another front leads to the same TorchServe; None: `max_requests`."""
    max_connections: int
    """Clients that may be connected at once, as far as memory goes."""
    threads: int
    health: Endpoint
    """Where the launcher says whether the models are ready."""
    keys: KeySource | None = None
    """The API keys, one of which each request must have; None: whoever reaches it may ask."""
    beside: Beside | None = None

    def leads_to(self, behind: Settings) -> bool:
        """Whether some requests go to the TorchServe with these addresses."""
        return behind in (self.behind, self.beside and self.beside.behind)

    @property
    def versions(self) -> dict[str, list[str]]:
        """Each model's versions, of which the first is the default."""
        return versions_by_name((*self.models, *(self.beside.models if self.beside else ())))

    @property
    def defaults(self) -> tuple[Backend, ...]:
        """Where requests go that name no version."""
        return tuple(_backend(self.behind, model, backend_of(model)) for model in default_models(self.models))

    @property
    def others(self) -> tuple[Backend, ...]:
        """Where those go that name another version of the same TorchServe."""
        others = (model for model in self.models if model not in default_models(self.models))
        return tuple(_backend(self.behind, model, f"{backend_of(model)}:{model.version}") for model in others)

    @property
    def backends_beside(self) -> tuple[Backend, ...]:
        """Where those go that are for a version beside."""
        if self.beside is None:
            return ()
        behind = self.beside.behind
        return tuple(_backend(behind, model, backend_of(model) + BESIDE) for model in self.beside.models)

    @property
    def backends(self) -> tuple[Backend, ...]:
        """All of them."""
        return (*self.defaults, *self.others, *self.backends_beside)


def unused_ports(taken: Set[int]) -> Generator[int, None, None]:
    """Yield ports that are free, each another one, but for those that somebody will take soon."""
    with contextlib.ExitStack() as held:
        for wanted in _candidates(taken):
            with contextlib.suppress(OSError):  # somebody has it
                yield held.enter_context(socket.create_server((LOOPBACK, wanted))).getsockname()[1]


def _candidates(taken: Set[int]) -> Iterator[int]:
    """Yield ports in any order that Linux gives to nobody who connects, for java binds seconds later; at last 0."""
    first = int(GIVEN_AWAY.read_text("ascii").split()[0])
    ports = [port for port in range(LOWEST, first) if port not in taken]
    yield from random.sample(ports, len(ports))
    yield from itertools.repeat(0)


def backend_of(model: ServedModel) -> str:
    """Name the backend of a default model; no name or version has a character that HAProxy does not take."""
    return f"model-{model.name}"


def _backend(behind: Settings, model: ServedModel, name: str) -> Backend:
    return Backend(name=name, model=model, address=behind.inference.address)


def move_behind(settings: Settings) -> Settings:
    """Give TorchServe other ports of loopback, which are free now: the front takes all of the settings' own."""
    with contextlib.closing(unused_ports({endpoint.port for endpoint in settings.endpoints})) as ports:
        inference, management, metrics, grpc_inference, grpc_management = (
            Endpoint(key=endpoint.key, host=LOOPBACK, port=next(ports)) for endpoint in settings.endpoints
        )
    return replace(
        settings,
        inference=inference,
        management=management,
        metrics=metrics,
        grpc_inference=grpc_inference,
        grpc_management=grpc_management,
    )
