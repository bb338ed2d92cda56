"""What runs on a node: its check before the start, and the actor that answers claims by a worker process beside it."""

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from ...errors import BerthError, Refused, UsageError
from ..job import Job
from ..manifest import differences
from ..messages import Done, Failed, Ready, Work
from ..prepare import Prepared, prepare
from ..storage.address import Place
from ..storage.folder import DRAFT
from ..storage.places import address_of, look_at, write_part
from ..workers import Worker
from .items import Item, Outcome, read_items, to_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Seats:
    """What a node gives to the run, as Ray counts it."""

    cores: int
    gpus: int

    @property
    def workers(self) -> int:
        """As many as a command on such a machine starts."""
        return 2 * self.gpus or self.cores


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a node is asked before the start."""

    job: Job
    """All its paths are absolute; of the inputs some stand for all."""
    inputs: Sequence[Mapping[str, Any]]
    """These, as the command sees them."""
    probe: str
    """The name of a file that the command has put into the output folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What decides the last bits of the numbers that a node computes, and what it runs."""

    ready: Ready
    machine: Mapping[str, Any]


def look(asked: Look, seats: Seats, name: str) -> Kind | Failed:
    """See the archive, the inputs and the output from this node, and load the model once."""
    try:
        prepared = prepare(asked.job, seats=(seats.cores, seats.gpus))
        if said := next(differences(prepared.inputs, list(asked.inputs), ""), None):
            raise UsageError(f"the inputs are others on node {name} (there) than for the command (now): {said}")
        _require_output(asked.job.output, asked.probe, name)
        prepared.memory.require_fit()
        with _worker(prepared) as (_, ready):
            return Kind(ready=ready, machine=prepared.describe_machine(ready))
    except BerthError as error:
        return Failed(message=str(error), exit_code=error.exit_code)


def _require_output(output: Place, probe: str, name: str) -> None:
    """UsageError unless the folder is the command's, and parts can be written there."""
    try:
        look_at(output / probe)
    except OSError as error:
        raise UsageError(
            f"--output {output} is not the command's folder on node {name}: all nodes must share it"
        ) from error
    try:
        write_part(address_of(output / f"{probe}-{fresh_name()}"), b"")
    except OSError as error:
        raise UsageError(f"--output {output} cannot be written on node {name}: {error.strerror}") from error


def fresh_name() -> str:
    """A name that nobody else has."""
    return uuid.uuid4().hex


@contextmanager
def _worker(prepared: Prepared) -> Iterator[tuple[Worker, Ready]]:
    worker = Worker(prepared.setups[0])
    try:
        yield worker, worker.receive(Ready)
    finally:
        worker.end()


class Actor:
    """Answers claims, one after the other. It ends with its node; its worker process ends with it.

    A failure is an outcome like others: the command raises it when all parts before it are in their places.
    """

    def __init__(self, job: Job, seats: Seats, kinds: Sequence[Mapping[str, Any]]) -> None:
        """`kinds`: what nodes were there at the start, one of which this is; see Kind."""
        self._job = job
        self._failed: Failed | None = None
        try:
            prepared = prepare(job, seats=(seats.cores, seats.gpus))
            self._worker = Worker(prepared.setups[0])
            machine = prepared.describe_machine(self._worker.receive(Ready))
            _require_kind(machine, kinds)
        except BerthError as error:
            self._failed = Failed(message=_here(error), exit_code=error.exit_code)

    def __call__(self, table: Any) -> Any:
        """A block with a claim -> a block with its outcome."""
        (item,) = read_items(table)
        return to_table(self._answer(item))

    def _answer(self, item: Item) -> Outcome:
        if failed := item.failed or self._failed:
            return Outcome(said=failed)
        assert item.work
        # Whoever was taken for lost may still write while another makes the part again: no two have one name.
        file = address_of(self._job.output / f"{DRAFT}{fresh_name()}")
        try:
            return Outcome(said=self._ask(msgspec.structs.replace(item.work, file=file)), placed=item.placed, file=file)
        except BerthError as error:
            self._failed = Failed(message=str(error), exit_code=error.exit_code)
            return Outcome(said=self._failed)

    def _ask(self, work: Work) -> Done:
        self._worker.send(work)
        return self._worker.receive(Done)


def _require_kind(machine: Mapping[str, Any], kinds: Sequence[Mapping[str, Any]]) -> None:
    """Refused for a node that came later and is another kind of machine."""
    found = [next(differences(kind, machine, ""), None) for kind in kinds]
    if None not in found:
        raise Refused(
            f"it came while the run went on, and is of another kind than those at its start: {found[0]}. Run the same "
            "command again, with --allow-other-machine where that is wanted"
        )


def _here(error: BerthError) -> str:
    import ray  # noqa: PLC0415 - what a node is asked needs none

    return f"node {ray.util.get_node_ip_address()}: {error}"


def settle(job: Job, places: Sequence[Place]) -> Job:
    """The job as a node is told it: absolute paths, and of the inputs these."""
    assert isinstance(job.archive, Path)
    output = job.output
    if isinstance(output, Path):
        output = Path(os.path.abspath(output))  # noqa: PTH100 - a link stays one
    return replace(
        job,
        archive=job.archive.absolute(),
        signed_by=job.signed_by.absolute() if job.signed_by else None,
        output=output,
        inputs=tuple(map(address_of, places)),
        shard=None,
    )
