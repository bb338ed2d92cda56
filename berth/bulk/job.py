"""What one run of `berth bulk` is asked for. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, TypeVar

from ..errors import UsageError
from .storage.address import Place

T = TypeVar("T")
PART_ROWS = 4096
"""Rows of a part, at the most: at 500 rows/s a kill costs each worker eight seconds, and a vector of 384 numbers makes
6 MB of them."""
PART_BYTES = 4 << 20
"""Bytes of input after which a part ends, whatever its rows: what a worker holds in memory is bounded by it."""


RAY_LOCAL = "local"
"""The address of a cluster that the command starts for itself."""
RAY_ADDRESS = re.compile(rf"auto|{RAY_LOCAL}|ray://\S+|[^\s:/=]+:\d+")


class Output(StrEnum):
    """How parts are written."""

    PARQUET = "parquet"
    JSONL = "jsonl"
    CSV = "csv"


class OnError(StrEnum):
    """What a row without an answer means."""

    KEEP = "keep"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a claim ends: with the record that reaches one of them."""

    rows: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One of several runs that divide the files among them: every `count`-th file, from the one of `index` on."""

    index: int
    """From 0, as Kubernetes counts the pods of an indexed Job."""
    count: int

    @classmethod
    def parse(cls, said: str) -> Self:
        """Read INDEX/COUNT; UsageError."""
        index, _, count = said.partition("/")
        if not (index.isdecimal() and count.isdecimal() and int(index) < int(count)):
            raise UsageError(f"--shard {said}: give INDEX/COUNT, the index from 0 to COUNT - 1, such as 3/16")
        return cls(index=int(index), count=int(count))

    @property
    def name(self) -> str:
        """Of its folder in the output."""
        return f"shard-{self.index:05d}-of-{self.count:05d}"

    def of(self, files: Sequence[T]) -> Sequence[T]:
        """Its share of the files; none where there are fewer than runs."""
        return files[self.index :: self.count]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server's model, asked in the place of an archive's engine."""

    url: str
    """Its inference address."""
    model: str
    version: str
    facts: Mapping[str, Any]
    """What its handler says of itself: task, engine, precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A run's inputs, and all that decides what its output is."""

    archive: Path | Server
    """An archive, whose engine this command's workers load, or a server in its place."""
    signed_by: Path | None = None
    """The public key of whom the archive must be signed by; None: of nobody."""
    inputs: tuple[str, ...]
    """Files, folders and globs."""
    output: Place
    shard: Shard | None = None
    """Which of the files; None: all."""
    reads_only: bool = False
    """Say how much the model would read, and write nothing: what `berth audit` asks."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Which column of the input is which key of the task's; "" stands for the task's first key."""
    parameters: Mapping[str, object] = field(default_factory=dict)
    """As a request's."""
    to: Output = Output.PARQUET
    float16: bool = False
    """Vectors of float16 in Parquet."""
    part_rows: int = PART_ROWS
    on_error: OnError = OnError.KEEP
    allow_other_machine: bool = False
    ray: str | None = None
    """Where a Ray cluster computes it: `local`, `auto`, HOST:PORT, ray://HOST:PORT; None: this command's workers."""
    memory: str | None = None
    """How much may be taken, as Kubernetes writes it; None: what the machine grants."""

    def share_of(self, shard: Shard) -> Self:
        """The part of it that is one run's, with a folder of its own below the output's."""
        return replace(self, shard=shard, output=self.output / shard.name)
