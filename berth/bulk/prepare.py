"""All that is known before the first row is answered: inputs, archive, memory, workers, columns."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from ..archive.signature import unpack_signed
from ..archive.unpack import cache_folder
from ..archive.verify import content_id
from ..machine.machine import Machine, read_machine
from ..machine.traits import read_traits
from ..memory.model_size import ModelSize
from .columns import Columns, Reader, choose_columns
from .job import Job, Limits, OnError, Server
from .memory import RunMemory, bytes_of_part, count_asking, count_clients, count_memory, count_reading, gives_tokens
from .messages import Ready, Setup
from .sources import Source, find_sources
from .storage.address import BucketPath
from .workers import Crew, Workers, plan_setups, started_workers

C = TypeVar("C", bound=Crew)
ASKING_WORKERS = 2
"""Processes that ask a server: one reads and writes its part while the other's requests are under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """All that is known before a worker starts."""

    job: Job
    sources: Sequence[Source]
    identity: Mapping[str, str]
    """Which archive it is, or which model of a server."""
    traits: Mapping[str, Any]
    """What decides the last bits of a number beside engine and versions: the CPU or GPU."""
    machine: Machine
    limits: Limits
    setups: Sequence[Setup]
    memory: RunMemory

    @property
    def settings(self) -> dict[str, Any]:
        """What the output depends on beside inputs and machine, as the manifest has it."""
        job = self.job
        return {
            **self.identity,
            "parameters": dict(job.parameters),
            "columns": dict(job.columns),
            "to": str(job.to),
            "float16": job.float16,
            "part_rows": self.limits.rows,
            "part_bytes": self.limits.bytes,
        }

    @property
    def inputs(self) -> list[dict[str, Any]]:
        """The files, as the manifest has them."""
        return [_describe(each) for each in self.sources]

    def share(self, index: int, of_file: float) -> float:
        """How much of all has been read when so much of the source `index` has been, 0 to 1, by bytes."""
        sizes = [source.size for source in self.sources]
        return (sum(sizes[:index]) + sizes[index] * of_file) / max(1, sum(sizes))

    def describe_machine(self, ready: Ready) -> dict[str, Any]:
        """What decides the last bits of a number, as the manifest has it."""
        return {"engine": ready.engine, **self.traits, "versions": ready.versions}


def _describe(source: Source) -> dict[str, Any]:
    said = {"partitions": source.partitions} if source.partitions else {}
    return {"path": str(source.path), "form": str(source.form), "bytes": source.size, **source.stamp, **said}


def prepare(job: Job, environ: Mapping[str, str] = os.environ, seats: tuple[int, int] | None = None) -> Prepared:
    """Find the inputs, unpack the archive, count the memory; an error says what is wrong with one of them.

    `seats`: how many cores and GPUs are given; None: all that the machine grants.
    """
    found = find_sources(job.inputs, job.output)
    sources = job.shard.of(found) if job.shard else found
    machine = read_machine(environ, job.memory)
    if seats:
        machine = replace(machine, cores=seats[0], num_gpus=min(seats[1], machine.num_gpus))
    setup = Setup(
        folder="",
        parameters_json=msgspec.json.encode(dict(job.parameters)),
        to=str(job.to),
        float16=job.float16,
        fails=job.on_error is OnError.FAIL,
        reads_only=job.reads_only,
    )
    prepare_engine = _prepare_server if isinstance(job.archive, Server) else _prepare_archive
    prepared = prepare_engine(job, sources, machine, setup)
    if any(isinstance(place, BucketPath) for place in (job.output, *(source.path for source in sources))):
        return replace(prepared, memory=count_clients(prepared.memory, 1 + len(prepared.setups)))
    return prepared


def _prepare_archive(job: Job, sources: Sequence[Source], machine: Machine, setup: Setup) -> Prepared:
    assert isinstance(job.archive, Path)
    folder = unpack_signed(job.archive, job.signed_by, cache_folder())
    size = ModelSize.read(folder)
    part_bytes = bytes_of_part(gives_tokens=gives_tokens(size, job.parameters))
    setup = msgspec.structs.replace(setup, folder=str(folder.absolute()))
    setups = plan_setups(setup, machine.cores, 0 if job.reads_only else machine.num_gpus)
    count = count_reading if job.reads_only else count_memory
    traits = asdict(read_traits(machine))
    return Prepared(
        job=job,
        sources=sources,
        identity={"archive": content_id(folder), "model": size.name},
        traits={"cpu": traits["cpu"], "flags": list(traits["flags"]), "gpu": traits["gpu"]},
        machine=machine,
        limits=Limits(rows=job.part_rows, bytes=part_bytes),
        setups=setups,
        memory=count(size, machine, len(setups), job.part_rows, part_bytes),
    )


def _prepare_server(job: Job, sources: Sequence[Source], machine: Machine, setup: Setup) -> Prepared:
    """On this machine there is nothing but texts and answers."""
    server = job.archive
    assert isinstance(server, Server)
    return Prepared(
        job=job,
        sources=sources,
        identity={"server's model": server.model, "version": server.version},
        traits={},
        machine=machine,
        limits=Limits(rows=job.part_rows, bytes=bytes_of_part(gives_tokens=False)),
        setups=[msgspec.structs.replace(setup, server=server)] * ASKING_WORKERS,
        memory=count_asking(machine, ASKING_WORKERS, job.part_rows),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(Generic[C]):
    """The workers, and what they are given."""

    prepared: Prepared
    workers: C
    columns: Columns

    @property
    def total_rows(self) -> int | None:
        """Rows of all inputs; None unless all of them say how many they have."""
        is_counted = len(self.columns.rows) == len(self.prepared.sources)
        return sum(self.columns.rows.values()) if is_counted else None

    @property
    def reader(self) -> Reader:
        """What makes work of the inputs."""
        return Reader(sources=self.prepared.sources, limits=self.prepared.limits, columns=self.columns)


@contextmanager
def started(prepared: Prepared) -> Iterator[Started[Workers]]:
    """Start the workers, and find the columns of their task; Refused where memory holds them not."""
    prepared.memory.require_fit()
    with started_workers(prepared.setups) as workers:
        columns = choose_columns(prepared.job.columns, prepared.sources, workers.ready)
        yield Started(prepared=prepared, workers=workers, columns=columns)
