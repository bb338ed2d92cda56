"""A Ray cluster in the place of this command's worker processes: Ray Data carries, parts and order are ours.

A task or an actor that Ray runs again, wherever its node went, makes the same part again: where a claim stands decides
what is in it. So Ray may do so as often as it likes, and nothing is put in its place but by the command, in order.
"""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import ray
import ray.data
from ray.exceptions import RayError

from ...errors import BerthError
from ..columns import Reader, choose_columns
from ..job import Job
from ..messages import Failed, Ready
from ..prepare import Prepared, Started
from ..storage.places import move_part
from ..workers import AHEAD, ERRORS, Made, Missing
from .connect import connected
from .items import read_outcomes
from .node import Actor, settle
from .nodes import Cluster, check_nodes
from .reading import READERS, ClaimSource


class ClusterCrew:
    """The actors of a cluster, which live as long as there is something to make."""

    def __init__(self, cluster: Cluster, job: Job) -> None:
        self._cluster, self._job = cluster, job
        self.ready: Ready = cluster.ready

    def make(self, missing: Missing, reader: Reader) -> Iterator[Made]:
        """See Crew; a part is moved from the name that its actor gave it to that of its draft."""
        if not missing.gaps:
            return
        try:
            for table in self._dataset(missing, reader).iter_batches(
                batch_size=None, batch_format="pyarrow", prefetch_batches=0
            ):
                for outcome in read_outcomes(table):
                    if isinstance(outcome.said, Failed):
                        raise ERRORS.get(outcome.said.exit_code, BerthError)(outcome.said.message)
                    assert outcome.placed
                    number = next(missing.numbers)
                    if outcome.said.sha256:
                        move_part(outcome.file, missing.draft(number))
                    yield Made(number=number, placed=outcome.placed, done=outcome.said)
        except RayError as error:
            raise BerthError(
                f"Ray gave up: {_last_line(error)}; what is done is kept: run the same command again"
            ) from error

    def _dataset(self, missing: Missing, reader: Reader) -> Any:
        """Claims -> outcomes, in order, a block each."""
        claims = ray.data.read_datasource(
            ClaimSource(missing.gaps, ray.put(reader)),
            concurrency=READERS,
            num_cpus=0,
            override_num_blocks=len(missing.gaps),
        )
        seats = self._cluster.nodes[0].seats
        return claims.map_batches(
            Actor,
            fn_constructor_args=(self._job, seats, [kind.machine for kind in self._cluster.kinds]),
            batch_size=None,
            batch_format="pyarrow",
            zero_copy_batch=True,
            compute=ray.data.ActorPoolStrategy(size=self._cluster.workers, max_tasks_in_flight_per_actor=AHEAD),
            num_cpus=0 if seats.gpus else 1,
            num_gpus=0.5 if seats.gpus else 0,
        )  # Ray Data's own rule: actors and their tasks are begun again without end where a process or a node is lost


def _last_line(error: Exception) -> str:
    lines: Sequence[str] = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


@contextmanager
def started_cluster(prepared: Prepared) -> Iterator[Started[ClusterCrew]]:
    """Join a cluster or start one, have every node look, and find the columns; the output folder is there already."""
    address = prepared.job.ray
    assert address is not None
    with connected(address, prepared.machine):
        _set_up()
        cluster = check_nodes(prepared)
        columns = choose_columns(prepared.job.columns, prepared.sources, cluster.ready)
        crew = ClusterCrew(cluster, settle(prepared.job, [source.path for source in prepared.sources[:1]]))
        yield Started(prepared=replace(prepared, traits=cluster.traits), workers=crew, columns=columns)


def _set_up() -> None:
    """Ray Data for this command: a block a claim, in order, and nothing said unless something fails."""
    context = ray.data.DataContext.get_current()
    context.target_max_block_size = 1
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"ray\.")
