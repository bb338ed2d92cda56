"""What a peer is: how it is prepared, in which settings it is tried, how it is asked, how near its answers must be."""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from ..work import EncoderShape

LEAST_COSINES = {"fp32": 0.999}
LEAST_COSINE = 0.99  # of int8, and of whatever is the fastest


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A checkpoint that all peers serve."""

    name: str
    folder: Path
    """As sentence-transformers saves one: mean pooling, vectors of length 1, up to 512 tokens."""
    shape: EncoderShape


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One way to run a peer."""

    workers: int
    """That compute at once: processes, or threads where a server has no other."""
    threads: int
    """Of each worker."""
    batch: int
    """The most requests that are computed together."""

    def __str__(self) -> str:
        return f"{self.workers} x {self.threads} threads, batches of {self.batch}"


Serve = Callable[[Setting], AbstractContextManager[str]]
"""Starts a server, gives the address to ask once it answers, and ends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A way of serving."""

    name: str
    precision: str
    """`fp32`, `int8` or `fastest`."""
    settings: Sequence[Setting]
    """All are tried; the fastest is measured."""
    prepare: Callable[[Model], Serve]
    """Installs and exports what a model needs; CannotRun where this machine cannot."""
    takes_lists: bool = False
    """Whether a text is sent as a list of one, and answered as one."""

    @property
    def least_cosine(self) -> float:
        """How near each answer must be to the bare model's."""
        return LEAST_COSINES.get(self.precision, LEAST_COSINE)

    def to_body(self, text: str) -> bytes:
        """The body of a request for one text."""
        return json.dumps({"inputs": [text] if self.takes_lists else text}).encode()

    def to_vector(self, body: bytes) -> list[float]:
        """The vector [H] in an answer's body."""
        answer = json.loads(body)
        vector: list[float] = answer[0] if self.takes_lists else answer
        return vector
