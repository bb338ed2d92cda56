"""What a front is told: whose addresses it takes, and where TorchServe and the gateway listen behind it."""

import contextlib
import itertools
import random
import socket
from collections.abc import Generator, Iterator, Set
from dataclasses import dataclass, replace
from pathlib import Path

from ..archive.served_model import ServedModel
from ..endpoint import Endpoint
from ..settings import Settings
from .keys import KeySource

BESIDE = ":beside"
"""The end of the names of backends for versions beside."""
GIVEN_AWAY = Path("/proc/sys/net/ipv4/ip_local_port_range")
"""The first and the last port that Linux gives to connections."""
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
    max_requests: int
    """Requests of one model that TorchServe gets at once; the others wait in the front."""
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
        beside = self.beside.models if self.beside else ()
        return {
            model.name: list(
                dict.fromkeys((model.version, *(each.version for each in beside if each.name == model.name)))
            )
            for model in self.models
        }

    @property
    def own_backends(self) -> tuple[Backend, ...]:
        """Where each model's requests go."""
        return _backends(self.behind, self.models, "")

    @property
    def backends_beside(self) -> tuple[Backend, ...]:
        """Where those go that are for a version beside."""
        return _backends(self.beside.behind, self.beside.models, BESIDE) if self.beside else ()


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
    """Name a model's backend; a model's name has no character that HAProxy does not take."""
    return f"model-{model.name}"


def _backends(behind: Settings, models: tuple[ServedModel, ...], suffix: str) -> tuple[Backend, ...]:
    address = behind.inference.address
    return tuple(Backend(name=backend_of(model) + suffix, model=model, address=address) for model in models)


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
