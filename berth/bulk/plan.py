"""`berth bulk --plan`: what a run would take, by what the files say and by some rows that are tried."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from .claims import read_claims
from .job import PART_BYTES, Job, Limits
from .messages import Done, Work
from .prepare import Started, prepare, started
from .sources import Source
from .text_records import START
from .workers import Workers

T = TypeVar("T")
SAMPLE_ROWS = 256
"""Rows of each file that is tried."""
MOST_FILES = 16
"""Files that are looked into; of more, so many at equal distances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run would take."""

    files: int
    rows: int
    is_counted: bool
    """Whether the files say how many rows they have; else it is an estimate by their sizes."""
    parts: int
    tokens: int
    seconds: float
    rows_per_s: float
    workers: int
    memory_bytes: int
    """At the most."""
    granted_bytes: int
    memory_source: str
    output_bytes: int
    sample_rows: int
    sample_errors: int
    sample_cut: int

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self)


def plan_run(job: Job) -> Plan:
    """Try some rows, and write nothing; what would refuse the run refuses the plan."""
    prepared = prepare(job)
    with started(prepared) as running:
        began_s = time.monotonic()
        tried = [done for _, done in running.workers.answers(_sample(running))]
        return _conclude(running, tried, time.monotonic() - began_s)


def _conclude(running: Started[Workers], tried: Sequence[Done], seconds: float) -> Plan:
    prepared, total = running.prepared, running.total_rows
    rows = _estimate_rows(prepared.sources) if total is None else total
    sample_rows = sum(done.rows for done in tried)
    times = rows / max(1, sample_rows)
    return Plan(
        files=len(prepared.sources),
        rows=rows,
        is_counted=total is not None,
        parts=max(-(-rows // prepared.limits.rows), min(rows, len(prepared.sources))),
        tokens=round(times * sum(done.tokens for done in tried)),
        seconds=times * seconds,
        rows_per_s=sample_rows / max(seconds, 1e-9),
        workers=len(prepared.setups),
        memory_bytes=prepared.memory.total_bytes,
        granted_bytes=prepared.machine.memory.bytes,
        memory_source=prepared.machine.memory.source,
        output_bytes=round(times * sum(done.size for done in tried)),
        sample_rows=sample_rows,
        sample_errors=sum(sum(done.errors.values()) for done in tried),
        sample_cut=sum(done.cut for done in tried),
    )


def _sample(running: Started[Workers]) -> Iterator[Work]:
    """The first rows of some files, enough for every worker where there are so many."""
    prepared = running.prepared
    limits = Limits(rows=SAMPLE_ROWS, bytes=prepared.limits.bytes)
    number = 0
    chosen = _spread(list(enumerate(prepared.sources)))
    each = -(-2 * len(prepared.setups) // max(1, len(chosen)))
    for index, source in chosen:
        for claim, _ in zip(read_claims(source, limits, START), range(each), strict=False):
            yield running.reader.work(number, index, claim)
            number += 1


def _estimate_rows(sources: Sequence[Source]) -> int:
    """Rows of text files by the beginnings of some of them."""
    chosen = _spread(sources)
    found = [_estimate(source) for source in chosen]
    return round(sum(found) * sum(source.size for source in sources) / max(1, sum(source.size for source in chosen)))


def _estimate(source: Source) -> float:
    limits = Limits(rows=PART_BYTES, bytes=PART_BYTES)
    first = next(read_claims(source, limits, START), None)
    return 0.0 if first is None else first.rows / max(first.share, 1e-9)


def _spread(items: Sequence[T]) -> Sequence[T]:
    step = max(1, -(-len(items) // MOST_FILES))
    return items[::step]
