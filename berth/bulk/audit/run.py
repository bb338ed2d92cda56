"""The course of `berth audit`: every claim of every file read by a worker's tokenizer, counted by file and in all."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..claims import read_claims
from ..job import Job
from ..messages import Audited, Work
from ..prepare import Started, prepare, started
from ..text_records import START
from .counts import Counts


def audit(
    archive: Path,
    inputs: Sequence[str],
    columns: Mapping[str, str],
    parameters: Mapping[str, Any],
    signed_by: Path | None = None,
) -> tuple[dict[str, Counts], Counts]:
    """Count what the model would read, (by file, in all); nothing is computed, and nothing is written.

    `signed_by`: the public key of whom the archive must be signed by.
    UsageError, Refused: an input, a column, a parameter or the archive is wrong.
    """
    job = Job(
        archive=archive,
        signed_by=signed_by,
        inputs=tuple(inputs),
        output=Path(os.devnull),
        reads_only=True,
        columns=columns,
        parameters=parameters,
    )
    prepared = prepare(job)
    files = [Counts() for _ in prepared.sources]
    whole = Counts()
    with started(prepared) as running:
        indices: list[int] = []
        for work, found in running.workers.course(_works(running, indices), Audited):
            for counts in (files[indices[work.number]], whole):
                counts.take(found)
    named = zip(prepared.sources, files, strict=True)
    return {str(source.path): counts for source, counts in named}, whole


def _works(running: Started, indices: list[int]) -> Iterator[Work]:
    """Each claim; `indices` is told which source it is of."""
    for index, source in enumerate(running.prepared.sources):
        for claim in read_claims(source, running.prepared.limits, START):
            indices.append(index)
            yield running.work(len(indices) - 1, index, claim)
