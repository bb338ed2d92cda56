"""The management API: which models a server has, and the state of each one's workers."""

import os
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import quote

import msgspec

from .access import Access, find_ca_file
from .addresses import management_url
from .connection import Connection
from .messages import Model, require_one
from .worker_count import require_sensible

# Enough for a describe on GPUs too, for which TorchServe runs nvidia-smi once per worker.
MANAGEMENT_TIMEOUT_S = 5.0
READY = "READY"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """A worker of a model, as TorchServe sees it."""

    id: str
    status: str
    """READY, or UNLOADING: while it loads, while it is started again, and for good once TorchServe has given it up."""
    pid: int | None
    """None until it has a process; after that has ended, still its number."""
    gpu: str
    """What nvidia-smi says about its GPU; empty on a CPU."""
    memory_bytes: int | None
    """None where TorchServe's system metrics are off, as in berth's config.properties."""

    @property
    def is_ready(self) -> bool:
        """Whether it has loaded the model."""
        return self.status == READY


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelState:
    """A model and its workers."""

    name: str
    version: str
    is_default: bool | None
    """Whether it answers who names no version; None where only this version was asked about."""
    workers: tuple[WorkerState, ...]
    min_workers: int
    max_workers: int
    batch_size: int
    max_batch_delay_ms: int
    startup_timeout_s: int
    """TorchServe kills a worker that has not loaded by then, and starts another."""
    pending_requests: int
    """Requests in the queue, which no worker has taken yet."""
    queue_length: int
    """How many requests the queue holds; more are refused."""

    @property
    def path(self) -> str:
        """How addresses name it, by its version: bert/1.0."""
        return f"{self.name}/{self.version}"

    @property
    def num_ready(self) -> int:
        """How many workers have loaded the model."""
        return sum(worker.is_ready for worker in self.workers)


class ManagementClient:
    """A server's management address, asked through one connection."""

    def __init__(self, url: str | None = None, *, timeout_s: float = MANAGEMENT_TIMEOUT_S) -> None:
        """`url` is http://HOST:PORT, or what the environment says; `timeout_s` how long each answer may take."""
        access = Access(
            ca_file=find_ca_file(os.environ)
        )  # a key opens the inference address, and is not shown to others
        self._server = Connection(management_url(os.environ) if url is None else url, access=access)
        self._timeout_s = timeout_s

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    @property
    def url(self) -> str:
        """The address that is asked."""
        return self._server.url

    def models(self) -> list[str]:
        """The names of all models."""
        names: list[str] = []
        path: str | None = "/models"
        while path:  # page by page
            page = self._server.ask("GET", path, _PAGE.decode, timeout_s=self._timeout_s)
            names += (model.name for model in page.models)
            path = f"/models?next_page_token={quote(page.next_page_token)}" if page.next_page_token else None
        return names

    def only_model(self) -> str:
        """The name of the only model; UsageError lists them where there are several."""
        return require_one(self.models(), self._server.url, "as MODEL, or model=")

    def describe(self, model: Model = None) -> ModelState:
        """The state of a model's default version, or of NAME/VERSION; RequestFailed when there is none."""
        state = self._server.ask("GET", self._path(model), decode_state, timeout_s=self._timeout_s)
        return state if model and "/" in model else replace(state, is_default=True)

    def versions(self, name: str) -> list[ModelState]:
        """The state of every version of a model, the default first; RequestFailed when no model has this name."""
        default = self.describe(name)
        every = self._server.ask("GET", f"{self._path(name)}/all", decode_states, timeout_s=self._timeout_s)
        others = [replace(state, is_default=False) for state in every if state.version != default.version]
        return [default, *others]

    def set_default(self, name: str, version: str) -> None:
        """Let this version answer who names none; RequestFailed when there is no such version."""
        self._server.ask("PUT", f"{self._path(f'{name}/{version}')}/set-default", bytes, timeout_s=self._timeout_s)

    def describe_handler(self, model: Model = None) -> dict[str, object]:
        """What the handler in one of the workers says of itself; it waits its turn among the requests."""
        path = f"{self._path(model)}?customized=true"
        return self._server.ask("GET", path, _decode_handler, timeout_s=self._timeout_s)

    def scale(self, model: Model = None, *, workers: int) -> None:
        """Ask for this many workers and return at once.

        A worker that is scaled away leaves the requests that it has taken without an answer.
        """
        require_sensible(workers)
        path = f"{self._path(model)}?min_worker={workers}&max_worker={workers}"
        self._server.ask("PUT", path, bytes, timeout_s=self._timeout_s)

    def renew(self, model: str, first: int, workers: int) -> None:
        """Scale down to the first `first` workers, then back to `workers`; what those ended had taken is lost."""
        for number in (first, workers):
            # max_worker=0 is meant: with more, TorchServe forgets the workers that it should end, and they go on.
            path = f"{self._path(model)}?min_worker={number}&max_worker={number}"
            self._server.ask("PUT", path, bytes, timeout_s=self._timeout_s)

    def _path(self, model: Model) -> str:
        return f"/models/{quote(self.only_model() if model is None else model)}"


class _Named(msgspec.Struct):
    name: str = msgspec.field(name="modelName")


class _Page(msgspec.Struct, rename="camel"):
    models: list[_Named]
    next_page_token: str | None = None


class _Worker(msgspec.Struct, rename="camel"):
    id: str
    status: str
    pid: int
    memory_usage: int
    gpu: bool
    gpu_usage: str

    def to_state(self) -> WorkerState:
        return WorkerState(
            id=self.id,
            status=self.status,
            pid=self.pid if self.pid > 0 else None,
            gpu=self.gpu_usage if self.gpu else "",
            memory_bytes=self.memory_usage or None,
        )


class _Queue(msgspec.Struct, rename="camel"):
    remaining_capacity: int
    pending_requests: int


class _Model(msgspec.Struct, rename="camel"):
    model_name: str
    model_version: str
    min_workers: int
    max_workers: int
    batch_size: int
    max_batch_delay: int
    startup_timeout: int
    workers: list[_Worker]
    job_queue_status: _Queue


class _Described(msgspec.Struct, rename="camel"):
    customized_metadata: dict[str, Any]


def decode_state(body: bytes) -> ModelState:
    """The state in TorchServe's answer to a describe; ValueError when it is not one."""
    (state,) = decode_states(body)
    return state


def decode_states(body: bytes) -> list[ModelState]:
    """The states in TorchServe's answer to a describe of all versions; ValueError when it is not one."""
    return [_to_state(model) for model in _MODELS.decode(body)]


def _to_state(model: _Model) -> ModelState:
    queue = model.job_queue_status
    return ModelState(
        name=model.model_name,
        version=model.model_version,
        is_default=None,
        workers=tuple(worker.to_state() for worker in model.workers),
        min_workers=model.min_workers,
        max_workers=model.max_workers,
        batch_size=model.batch_size,
        max_batch_delay_ms=model.max_batch_delay,
        startup_timeout_s=model.startup_timeout,
        pending_requests=queue.pending_requests,
        queue_length=queue.pending_requests + queue.remaining_capacity,
    )


def _decode_handler(body: bytes) -> dict[str, object]:
    (described,) = _DESCRIBED.decode(body)
    return described.customized_metadata


_PAGE = msgspec.json.Decoder(_Page)
_MODELS = msgspec.json.Decoder(list[_Model])
_DESCRIBED = msgspec.json.Decoder(list[_Described])
