"""Requests for every door over HTTP: good ones, and what becomes of them. Pure."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from handler.config import Task
from handler.doors.paths import ROOT_PATHS
from handler.tasks import TASKS
from handler.vectors.settings import Kind

from .make import bodies, protocols
from .make.envelopes import JSON, MULTIPART, change_envelope, form, multipart
from .make.inputs import make_text
from .make.mutations import change_text, change_value
from .make.requests import RestRequest
from .make.values import encode
from .models import Target

EVERY_TASK = frozenset(Task)
ONE_TEXT = frozenset({Task.EMBEDDINGS, Task.TEXT_CLASSIFICATION})
NUM_CHANGES = (0, 0, 0, 1, 1, 1, 1, 2, 3)

EXPLAINED_TASKS = frozenset(kind.task for kind in TASKS.values() if kind.is_explained)


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonDoor:
    """An address, and what it takes."""

    path: str
    make_body: Callable[[Random, Target], Any]
    tasks: frozenset[Task] = EVERY_TASK
    """Those that have this door; a request to another is refused."""
    vectors: tuple[Kind, ...] = tuple(Kind)
    """Of which a model has to make one."""

    def fits(self, target: Target) -> bool:
        """Whether the model has this door."""
        return target.task in self.tasks and bool(set(self.vectors).intersection(target.vectors))


OF_VECTORS = {
    "embed_sparse": (Kind.SPARSE,),
    "embed_all": (Kind.MULTI_VECTOR,),
    "pooling": (Kind.DENSE, Kind.MULTI_VECTOR),
    **dict.fromkeys(("hf", "embed", "similarity", "v1/embed", "v2/embed", "score", "v1/score"), (Kind.DENSE,)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDoor:
    """One way in which a text comes alone."""

    header: tuple[str, str]
    wrap: Callable[[bytes], bytes]


JSON_DOORS = {
    "native": JsonDoor(path="/predictions/{name}", make_body=bodies.native),
    "native, versioned": JsonDoor(path="/predictions/{name}/{version}", make_body=bodies.native),
    "explanations": JsonDoor(path="/explanations/{name}", make_body=bodies.explanation, tasks=EXPLAINED_TASKS),
    "v1": JsonDoor(path="/v1/models/{name}:predict", make_body=bodies.instances),
    "v1 explain": JsonDoor(
        path="/v1/models/{name}:explain", make_body=bodies.explained_instances, tasks=EXPLAINED_TASKS
    ),
    "v2": JsonDoor(path="/v2/models/{name}/infer", make_body=bodies.tensors),
    **{
        root.url_path: JsonDoor(
            path=f"/predictions/{{name}}/{{version}}/{root.url_path}",
            make_body=protocols.MAKERS[root.url_path],
            tasks=frozenset(root.tasks),
            vectors=OF_VECTORS.get(root.url_path, tuple(Kind)),
        )
        for root in ROOT_PATHS
    },
}
TEXT_DOORS = {
    "text/plain": TextDoor(header=("content-type", "text/plain; charset=utf-8"), wrap=bytes),
    "form": TextDoor(
        header=("content-type", "application/x-www-form-urlencoded"), wrap=lambda text: form([("data", text)])
    ),
    "multipart": TextDoor(header=MULTIPART, wrap=lambda text: multipart([("data", text)])),
}


def make_json_request(rng: Random, target: Target, door: str) -> RestRequest:
    """A door's request in JSON, good or changed in up to three places."""
    kind = JSON_DOORS[door]
    path = kind.path.format(name=target.name, version=target.version)
    value, num_changes = kind.make_body(rng, target), rng.choice(NUM_CHANGES)
    where = [rng.random() for _ in range(num_changes)]
    for _ in filter(lambda place: place < 0.6, where):
        value = change_value(rng, value)
    request = RestRequest(
        door=door,
        target=target,
        path=path,
        body=encode(value),
        headers=(JSON,),
        is_good=not num_changes and kind.fits(target),
    )
    return _change(rng, request, [place for place in where if place >= 0.6])


def make_text_request(rng: Random, target: Target, door: str) -> RestRequest:
    """One text, alone, to the native door."""
    kind = TEXT_DOORS[door]
    num_changes = rng.choice(NUM_CHANGES)
    request = RestRequest(
        door=door,
        target=target,
        path=f"/predictions/{target.name}",
        body=kind.wrap(make_text(rng).encode()),
        headers=(kind.header,),
        is_good=not num_changes and target.task in ONE_TEXT,
    )
    return _change(rng, request, [rng.uniform(0.6, 1) for _ in range(num_changes)])


def _change(rng: Random, request: RestRequest, where: list[float]) -> RestRequest:
    for place in where:
        if place < 0.8:
            request = dataclasses.replace(request, body=change_text(rng, request.body))
        else:
            request = change_envelope(rng, request)
    return request
