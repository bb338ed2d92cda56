"""The course of a run: what is there, what is left, each part in order, the account of all rows."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..archive.unpack import cache_folder, unpack_once
from ..archive.verify import content_id
from ..errors import BerthError
from ..machine.machine import Machine, read_machine
from ..machine.traits import read_traits
from ..memory.model_size import ModelSize
from .claims import Claim, Limits, read_claims
from .columns import Columns, choose_columns
from .job import Job, OnError
from .manifest import Head, Manifest, Part
from .memory import RunMemory, bytes_of_part, count_memory
from .messages import Done, Ready, Setup, Work
from .sources import Source, find_sources
from .text_records import START, Position
from .workers import Workers, plan_setups, started_workers


@dataclass(slots=True)
class Account:
    """What became of all rows so far."""

    rows: int = 0
    tokens: int = 0
    cut: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    parts: int = 0
    kept_rows: int = 0
    """Rows that an earlier run of the same command has written."""
    kept_tokens: int = 0
    share: float = 0.0
    """How much of the input is done, by its bytes."""
    seconds: float = 0.0
    """Since the workers were ready."""
    total_rows: int | None = None
    """Rows of the whole input, where the files say it."""

    def take(self, part: Part) -> None:
        """Count a part."""
        self.rows += part.rows[1] - part.rows[0]
        self.tokens += part.tokens
        self.cut += part.cut
        self.errors.update(part.errors)
        self.parts += 1


Watch = Callable[[Account], object]
"""Is told when a part is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """All that is known before a worker starts."""

    job: Job
    sources: Sequence[Source]
    folder: Path
    """The unpacked archive."""
    size: ModelSize
    machine: Machine
    limits: Limits
    setups: Sequence[Setup]
    memory: RunMemory

    @property
    def settings(self) -> dict[str, Any]:
        """What the output depends on beside inputs and machine, as the manifest has it."""
        job = self.job
        return {
            "archive": content_id(self.folder),
            "model": self.size.name,
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
        return [
            {"path": str(each.path), "form": str(each.form), "bytes": each.size, "modified_ns": each.mtime_ns}
            for each in self.sources
        ]

    def describe_machine(self, ready: Ready) -> dict[str, Any]:
        """What decides the last bits of a number, as the manifest has it."""
        traits = asdict(read_traits(self.machine))
        kind = {name: traits[name] for name in ("cpu", "flags", "gpu")}
        return {"engine": ready.engine, **kind, "flags": list(kind["flags"]), "versions": ready.versions}


def prepare(job: Job, environ: Mapping[str, str] = os.environ) -> Prepared:
    """Find the inputs, unpack the archive, count the memory; an error says what is wrong with one of them."""
    sources = find_sources(job.inputs, job.output)
    folder = unpack_once(job.archive, cache_folder())
    size = ModelSize.read(folder)
    machine = read_machine(environ, job.memory)
    gives_tokens = "multi_vector" in str(job.parameters.get("vectors", ""))
    setup = Setup(
        folder=str(folder.absolute()),
        parameters=dict(job.parameters),
        output=str(job.output.absolute()),
        to=str(job.to),
        float16=job.float16,
        fails=job.on_error is OnError.FAIL,
        gpu_id=None,
        threads=1,
    )
    setups = plan_setups(setup, machine.cores, machine.num_gpus)
    return Prepared(
        job=job,
        sources=sources,
        folder=folder,
        size=size,
        machine=machine,
        limits=Limits(rows=job.part_rows, bytes=bytes_of_part(gives_tokens=gives_tokens)),
        setups=setups,
        memory=count_memory(size, machine, len(setups), job.part_rows, gives_tokens=gives_tokens),
    )


@contextmanager
def started(prepared: Prepared) -> Iterator[tuple[Workers, Columns]]:
    """Start the workers, and find the columns of their task."""
    prepared.memory.require_fit()
    with started_workers(prepared.setups) as workers:
        yield workers, choose_columns(prepared.job.columns, prepared.sources, workers.ready)


def run(job: Job, watch: Watch) -> Account:
    """Answer every row that is not answered yet, and return the account of all; see docs/bulk.md for the promises."""
    prepared = prepare(job)
    with Manifest(job.output) as manifest:
        manifest.require_same(prepared.settings, prepared.inputs)
        with started(prepared) as (workers, columns):
            head = Head(
                settings=prepared.settings,
                inputs=prepared.inputs,
                machine=prepared.describe_machine(workers.ready),
            )
            manifest.begin(head, allows_other_machine=job.allow_other_machine)
            return _Course(prepared, columns, manifest).go(workers, watch)


class _Course:
    """The parts of one run."""

    def __init__(self, prepared: Prepared, columns: Columns, manifest: Manifest) -> None:
        self._prepared, self._columns, self._manifest = prepared, columns, manifest
        self._there = manifest.verified()
        self._claims: dict[int, tuple[int, Claim]] = {}
        self._began_s = time.monotonic()
        is_counted = len(columns.rows) == len(prepared.sources)
        self.account = Account(total_rows=sum(columns.rows.values()) if is_counted else None)

    def go(self, workers: Workers, watch: Watch) -> Account:
        """Make what is missing, and count all."""
        for part in self._there.values():
            self.account.take(part)
        self.account.kept_rows, self.account.kept_tokens = self.account.rows, self.account.tokens
        for work, done in workers.answers(self._works()):
            self._finish(work, done)
            watch(self.account)
        self.account.seconds = time.monotonic() - self._began_s
        self.account.share = 1.0
        return self.account

    def _works(self) -> Iterator[Work]:
        """Each claim that has no part yet."""
        number = 0
        for index, source in enumerate(self._prepared.sources):
            for claim in self._missing(number, index, source):
                if isinstance(claim, Claim):
                    self._claims[number] = index, _without_payload(claim)
                    file = f"part-{number:06d}.{self._prepared.job.to}"
                    yield make_work(self._prepared, self._columns, number, index, claim, file)
                number += 1

    def _missing(self, number: int, index: int, source: Source) -> Iterator[Claim | None]:
        """A source's claims in order; None for one whose part is there, which is passed over unread."""
        at, claims = START, None
        while True:
            part = self._there.get(number)
            if part is not None and part.input > index:
                return
            if part is not None:
                at, claims = Position(row=part.rows[1], byte=part.bytes[1]), None
                yield None
            else:
                claims = claims or read_claims(source, self._prepared.limits, at)
                claim = next(claims, None)
                if claim is None:
                    return
                at = claim.end
                yield claim
            number += 1

    def _finish(self, work: Work, done: Done) -> None:
        """Write the part's line, count it."""
        index, claim = self._claims.pop(work.number)
        if done.errors and self._prepared.job.on_error is OnError.FAIL:
            path = self._prepared.sources[index].path
            raise BerthError(f"{path}, {done.first_error}; --on-error fail: the parts before it are written")
        assert work.file is not None
        part = Part(
            part=work.number,
            file=work.file,
            input=index,
            rows=(claim.start.row, claim.end.row),
            bytes=(claim.start.byte, claim.end.byte),
            size=done.size,
            sha256=done.sha256,
            errors=done.errors,
            cut=done.cut,
            tokens=done.tokens,
        )
        self._manifest.append(part)
        self.account.take(part)
        sizes = [source.size for source in self._prepared.sources]
        self.account.share = (sum(sizes[:index]) + sizes[index] * claim.share) / max(1, sum(sizes))
        self.account.seconds = time.monotonic() - self._began_s


def make_work(prepared: Prepared, columns: Columns, number: int, index: int, claim: Claim, file: str | None) -> Work:
    """What a worker is told of a claim of the source `index`."""
    source = prepared.sources[index]
    return Work(
        number=number,
        form=str(source.form),
        names=columns.names.get(index, []),
        columns=columns.keys,
        partitions=source.partitions,
        payload=claim.payload,
        rows=claim.rows,
        first_row=claim.start.row,
        file=file,
    )


def _without_payload(claim: Claim) -> Claim:
    return Claim(payload=b"", rows=claim.rows, start=claim.start, end=claim.end, share=claim.share)
