"""Predicted beside measured: two models, 1, 2 and 4 workers, each under a full queue of the largest requests.

Without the front and the gateway: their worst cases are other ones (clients connected, not requests), and
docs/memory.md has them beside what is predicted of each.
"""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from berth.machine.machine import read_machine
from berth.machine.quantities import MIB
from berth.memory.budget import Budget
from berth.memory.plan import plan_memory
from berth.settings import Settings
from handler.config import Task
from tests.support.servers import CONFIG, running_server

from .load.full_load import full_load
from .load.pss import Peak, peak_of
from .served.models import pack_bert_base, pack_sample, unpack_with
from .table import table, verdict

# Two batches and more, the first of which may not be full. The workers share the cores, on two slow ones a batch's
# tokens take 20 to 40 s, and a batch of BERT-base's ends by its deadline, half of responseTimeout.
LOAD_S, LOAD_PER_WORKER_S = 150.0, 60.0
SETTINGS = {"maxBatchDelay": 5000, "responseTimeout": 120}
"""A batch waits until it is full, and has time for its tokens and first forward passes; responseTimeout per worker."""
WITHOUT_FRONT = {"PATH": "/usr/bin:/bin"}  # where no haproxy is
REST_S = 3.0
TOLERANCE = 0.15
HEADER = ("model", "workers", "at rest", "predicted", "measured", "ratio", "java predicted", "measured", "200", "503")
MOST_PRIVATE_BYTES = 400 * 10**6
"""Of a worker at rest."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One server's figures."""

    budget: Budget
    rest: Peak
    peak: Peak
    answered: int
    refused: int

    @property
    def figures(self) -> tuple[object, ...]:
        """For the table; MiB."""
        java = (self.budget.jvm.total_bytes // MIB, self.peak.java_bytes // MIB)
        total = (self.budget.total_bytes // MIB, self.peak.total_bytes // MIB)
        return (self.rest.total_bytes // MIB, *total, f"{self.ratio:.2f}", *java, self.answered, self.refused)

    @property
    def ratio(self) -> float:
        """Predicted over measured."""
        return self.budget.total_bytes / self.peak.total_bytes


def predict(archive: Path, workers: int, environ: Mapping[str, str] = os.environ) -> Budget:
    """With a java of no more than these workers need."""
    machine = read_machine(environ, memory=None, num_gpus=0)
    return plan_memory([archive], Settings.load(CONFIG, os.environ), machine, workers).least


def run(folder: Path) -> Iterator[str]:
    cells = {}
    for archive, task in ((pack_sample(folder), Task.EMBEDDINGS), (pack_bert_base(folder), Task.TEXT_CLASSIFICATION)):
        for workers in (1, 2, 4):
            timeout = {"responseTimeout": SETTINGS["responseTimeout"] * workers}
            patient = unpack_with(archive, SETTINGS | timeout)
            cells[archive.stem, workers] = cell = measure(patient, archive.stem, task, workers)
            yield f"{archive.stem}, {workers}: {cell.ratio:.2f} ({cell.peak.total_bytes // MIB} MiB)"
    yield from table(HEADER, [(name, workers, *cell.figures) for (name, workers), cell in cells.items()])
    worst = max(cells.values(), key=lambda cell: abs(cell.ratio - 1))
    yield verdict(abs(worst.ratio - 1) <= TOLERANCE, f"predicted within 15 % of measured; furthest {worst.ratio:.2f}")
    yield _shares_weights(cells["bert-base", 4])


def measure(archive: Path, model: str, task: Task, workers: int) -> Cell:
    """A server of its own, with just the memory that it is said to need."""
    budget = predict(archive, workers, WITHOUT_FRONT)
    environment = {**WITHOUT_FRONT, "TS_DEFAULT_WORKERS_PER_MODEL": str(workers)}
    with running_server([archive], environment, options=("--memory", f"{budget.total_bytes}")) as server:
        rest = Peak()
        time.sleep(REST_S)
        rest.look(server)
        with peak_of(server) as peak, full_load(server, model, task, workers) as ends:
            time.sleep(LOAD_S + LOAD_PER_WORKER_S * workers)
        server.process.kill()  # what waits in the queue would be answered first; java and its workers end with it
    return Cell(budget=budget, rest=rest, peak=peak, answered=ends["200"], refused=ends["503"])


def _shares_weights(cell: Cell) -> str:
    weights = next(part.bytes for part in cell.budget.parts if "weights, shared" in part.name)
    allowed = weights + 4 * MOST_PRIVATE_BYTES
    found = cell.rest.workers_bytes
    return verdict(
        found <= allowed, f"4 workers of BERT-base at rest take {found // MIB} MiB, and may {allowed // MIB}: shared"
    )
