"""Runs of `berth bulk`: in this process with a worker that is there, or as the command, killed at will."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from berth.bulk.columns import choose_columns
from berth.bulk.job import Job, Output
from berth.bulk.manifest import Head, Manifest
from berth.bulk.prepare import Started, prepare
from berth.bulk.run import Account, carry_out
from berth.bulk.storage.address import Place, parse_place
from berth.bulk.workers import Workers
from berth.progress import ignore

from .command import Command, waits_before

__all__ = ["Bulk", "Command", "digests", "read_rows", "waits_before"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """What `berth.bulk.run.run` does, but for the start of workers."""

    archive: Path
    workers: Workers
    """Started with Parquet as the form of their parts, and without parameters."""

    def run(self, inputs: Path | str, output: Path | str, **settings: Any) -> Account:
        """Answer files; `settings` are a Job's."""
        place: Place = parse_place(output) if isinstance(output, str) else output
        job = replace(Job(archive=self.archive, inputs=(str(inputs),), output=place), **settings)
        prepared = prepare(job)
        with Manifest(place) as manifest:
            manifest.require_same(prepared.settings, prepared.inputs)
            columns = choose_columns(job.columns, prepared.sources, self.workers.ready)
            running = Started(prepared=prepared, workers=self.workers, columns=columns)
            machine = prepared.describe_machine(self.workers.ready)
            head = Head(settings=prepared.settings, inputs=prepared.inputs, machine=machine)
            manifest.begin(head, allows_other_machine=False)
            return carry_out(running, manifest, ignore)


def read_rows(output: Path) -> list[dict[str, Any]]:
    """All rows of an output folder, in order; of JSON lines or Parquet."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - an extra of berth

    rows: list[dict[str, Any]] = []
    for path in sorted(output.glob("part-*")):
        if path.suffix == f".{Output.JSONL}":
            rows += map(orjson.loads, path.read_bytes().splitlines())
        else:
            rows += pq.read_table(path).to_pylist()
    return rows


def digests(output: Path) -> Mapping[str, bytes]:
    """Every file of an output folder, whole."""
    return {path.name: path.read_bytes() for path in output.iterdir()}
