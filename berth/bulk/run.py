"""The course of a run: what is there, what is left, each part in order, the account of all rows."""

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Generic

from ..errors import BerthError
from .claims import Gap
from .job import Job, OnError
from .manifest import Head, Manifest, Part
from .prepare import C, Prepared, Started, prepare, started
from .storage.folder import name_of
from .text_records import START, Position
from .workers import Made, Missing


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


def run(job: Job, watch: Watch) -> Account:
    """Answer every row that is not answered yet, and return the account of all; see docs/bulk.md for the promises."""
    prepared = prepare(job)
    with Manifest(job.output) as manifest:
        manifest.require_same(prepared.settings, prepared.inputs)
        with _started(prepared) as running:
            machine = running.prepared.describe_machine(running.workers.ready)
            head = Head(settings=prepared.settings, inputs=prepared.inputs, machine=machine)
            manifest.begin(head, allows_other_machine=job.allow_other_machine)
            return carry_out(running, manifest, watch)


def _started(prepared: Prepared) -> AbstractContextManager[Started[Any]]:
    """Here, or on a Ray cluster."""
    if prepared.job.ray is None:
        return started(prepared)
    from .cluster.connect import set_environment  # noqa: PLC0415 - of an extra of berth

    set_environment(prepared.job.ray)
    from .cluster.crew import started_cluster  # noqa: PLC0415 - Ray reads its environment while it is imported

    return started_cluster(prepared)


def carry_out(running: Started[C], manifest: Manifest, watch: Watch) -> Account:
    """Make the parts that are not there, and count all; the manifest has its head."""
    return _Course(running, manifest).go(watch)


def find_gaps(there: Mapping[int, Part], num_sources: int) -> Iterator[Gap]:
    """All rows without a part, in order: between those that are there, and behind the last."""
    source, at, number = 0, START, 0
    for part in sorted(there.values(), key=lambda part: part.part):
        if part.part > number:
            yield from _between(source, at, part.input, part.rows[0])
        source, at, number = part.input, Position(row=part.rows[1], byte=part.bytes[1]), part.part + 1
    yield from _between(source, at, num_sources, 0)


def _between(source: int, at: Position, last: int, row: int) -> Iterator[Gap]:
    """From a place in one file to a row of the same or a later one."""
    while source < last:
        yield Gap(source=source, start=at, stop=None)
        source, at = source + 1, START
    if row > at.row:
        yield Gap(source=last, start=at, stop=row)


class _Course(Generic[C]):
    """The parts of one run."""

    def __init__(self, running: Started[C], manifest: Manifest) -> None:
        self._running, self._manifest = running, manifest
        self._sources = running.prepared.sources
        self._there = manifest.verified()
        self._began_s = time.monotonic()
        self.account = Account(total_rows=running.total_rows)

    def go(self, watch: Watch) -> Account:
        """Make what is missing, and count all."""
        for part in self._there.values():
            self.account.take(part)
        self.account.kept_rows, self.account.kept_tokens = self.account.rows, self.account.tokens
        for made in self._running.workers.make(self._missing(), self._running.reader):
            self._finish(made)
            watch(self.account)
        self.account.seconds = time.monotonic() - self._began_s
        self.account.share = 1.0
        return self.account

    def _missing(self) -> Missing:
        numbers = (number for number in itertools.count() if number not in self._there)
        gaps = list(find_gaps(self._there, len(self._sources)))
        return Missing(gaps=gaps, numbers=numbers, draft=self._draft)

    def _draft(self, number: int) -> str:
        return self._manifest.draft(number, self._name(number))

    def _name(self, number: int) -> str:
        return name_of(number, self._running.prepared.job.to)

    def _finish(self, made: Made) -> None:
        """Write the part's line, count it."""
        placed, done = made.placed, made.done
        if done.errors and self._running.prepared.job.on_error is OnError.FAIL:
            path = self._sources[placed.source].path
            raise BerthError(f"{path}, {done.first_error}; --on-error fail: the parts before it are written")
        part = Part(
            part=made.number,
            file=self._name(made.number),
            input=placed.source,
            rows=(placed.start.row, placed.end.row),
            bytes=(placed.start.byte, placed.end.byte),
            size=done.size,
            sha256=done.sha256,
            stamp=done.stamp,
            errors=done.errors,
            cut=done.cut,
            tokens=done.tokens,
        )
        self._manifest.keep(part)
        self.account.take(part)
        self.account.share = self._running.prepared.share(placed.source, placed.share)
        self.account.seconds = time.monotonic() - self._began_s
