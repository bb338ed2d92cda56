"""The course of `berth audit`: every claim of every file read by a worker's tokenizer, counted by file and in all."""

import time
from collections.abc import Iterator

from ..claims import read_claims
from ..job import Job
from ..messages import Audited, Work
from ..prepare import Started, prepare, started
from ..run import Account, Watch
from ..text_records import START
from ..workers import Workers
from .counts import Counts


def audit(job: Job, watch: Watch) -> tuple[dict[str, Counts], Counts]:
    """Count what the model would read, (by file, in all); nothing is computed, and nothing is written.

    The job is one that only reads; `watch` is told of each claim. UsageError, Refused: an input, a column, a parameter
    or the archive is wrong.
    """
    prepared = prepare(job)
    files = [Counts() for _ in prepared.sources]
    whole = Counts()
    with started(prepared) as running:
        account, began_s = Account(total_rows=running.total_rows), time.monotonic()
        places: list[tuple[int, float]] = []
        for work, found in running.workers.course(_works(running, places), Audited):
            index, account.share = places[work.number]
            for counts in (files[index], whole):
                counts.take(found)
            account.seconds = time.monotonic() - began_s
            _count(account, found)
            watch(account)
    named = zip(prepared.sources, files, strict=True)
    return {str(source.path): counts for source, counts in named}, whole


def _count(account: Account, found: Audited) -> None:
    account.rows += found.rows
    account.tokens += found.read
    account.cut += found.cut
    account.errors.update(found.errors)


def _works(running: Started[Workers], places: list[tuple[int, float]]) -> Iterator[Work]:
    """Each claim; `places` is told which source it is of, and how much of all has been read with it."""
    for index, source in enumerate(running.prepared.sources):
        for claim in read_claims(source, running.prepared.limits, START):
            places.append((index, running.prepared.share(index, claim.share)))
            yield running.reader.work(len(places) - 1, index, claim)
