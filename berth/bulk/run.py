"""The course of a run: what is there, what is left, each part in order, the account of all rows."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from ..errors import BerthError
from .claims import Claim, read_claims
from .job import Job, OnError
from .manifest import Head, Manifest, Part
from .messages import Done, Work
from .prepare import Started, prepare, started
from .sources import Source
from .storage.folder import name_of
from .text_records import START, Position


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
        with started(prepared) as running:
            machine = prepared.describe_machine(running.workers.ready)
            head = Head(settings=prepared.settings, inputs=prepared.inputs, machine=machine)
            manifest.begin(head, allows_other_machine=job.allow_other_machine)
            return carry_out(running, manifest, watch)


def carry_out(running: Started, manifest: Manifest, watch: Watch) -> Account:
    """Make the parts that are not there, and count all; the manifest has its head."""
    return _Course(running, manifest).go(watch)


class _Course:
    """The parts of one run."""

    def __init__(self, running: Started, manifest: Manifest) -> None:
        self._running, self._manifest = running, manifest
        self._sources = running.prepared.sources
        self._there = manifest.verified()
        self._claims: dict[int, tuple[int, Claim]] = {}
        self._began_s = time.monotonic()
        self.account = Account(total_rows=running.total_rows)

    def go(self, watch: Watch) -> Account:
        """Make what is missing, and count all."""
        for part in self._there.values():
            self.account.take(part)
        self.account.kept_rows, self.account.kept_tokens = self.account.rows, self.account.tokens
        for work, done in self._running.workers.answers(self._works()):
            self._finish(work, done)
            watch(self.account)
        self.account.seconds = time.monotonic() - self._began_s
        self.account.share = 1.0
        return self.account

    def _works(self) -> Iterator[Work]:
        """Each claim that has no part yet."""
        number = 0
        for index, source in enumerate(self._sources):
            for claim in self._missing(number, index, source):
                if isinstance(claim, Claim):
                    self._claims[number] = index, replace(claim, payload=b"")
                    draft = self._manifest.draft(number, self._name(number))
                    yield self._running.work(number, index, claim, draft)
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
                claims = claims or read_claims(source, self._running.prepared.limits, at)
                claim = next(claims, None)
                if claim is None:
                    return
                at = claim.end
                yield claim
            number += 1

    def _name(self, number: int) -> str:
        return name_of(number, self._running.prepared.job.to)

    def _finish(self, work: Work, done: Done) -> None:
        """Write the part's line, count it."""
        index, claim = self._claims.pop(work.number)
        if done.errors and self._running.prepared.job.on_error is OnError.FAIL:
            path = self._sources[index].path
            raise BerthError(f"{path}, {done.first_error}; --on-error fail: the parts before it are written")
        part = Part(
            part=work.number,
            file=self._name(work.number),
            input=index,
            rows=(claim.start.row, claim.end.row),
            bytes=(claim.start.byte, claim.end.byte),
            size=done.size,
            sha256=done.sha256,
            stamp=done.stamp,
            errors=done.errors,
            cut=done.cut,
            tokens=done.tokens,
        )
        self._manifest.keep(part)
        self.account.take(part)
        self.account.share = self._running.prepared.share(index, claim.share)
        self.account.seconds = time.monotonic() - self._began_s
