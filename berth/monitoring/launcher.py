"""The launcher's numbers as Prometheus reads them: what it knows of its models, its memory and its GPUs."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .. import __version__
from ..archive.served_model import ServedModel
from ..exposition import Family, Sample, render
from ..health.deep_check import Verdict
from ..health.record import ModelNumbers
from ..health.report import Health
from ..machine.nvidia_smi import GpuUse, read_use
from ..memory.fit import MemoryPlan
from ..process.memory import memory_by_part
from . import families as known
from .remembered import Remembered

MEMORY_S = 5.0  # the kernel walks through all pages for it
GPUS_S = 10.0  # nvidia-smi takes a part of a second


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A model that is served, and what was seen of it."""

    model: ServedModel
    numbers: ModelNumbers


class LauncherNumbers:
    """What one launcher shows of itself."""

    def __init__(self) -> None:
        self._started_s = time.time()
        self._memory = Remembered(memory_by_part, MEMORY_S)
        self._gpus = Remembered(lambda: read_use(os.environ), GPUS_S)
        self._from_archives: dict[ServedModel, dict[str, str]] = {}

    def render(self, models: Sequence[Watched], health: Health, plan: MemoryPlan) -> str:
        """Write all numbers, each a moment's, in Prometheus' text format."""
        samples: dict[Family, list[Sample]] = {family: [] for family in known.FAMILIES}
        for family, value in self._of_the_server(health, plan).items():
            samples[family].append(_sample(value))
        samples[known.INFO].append(_sample(1, version=__version__))
        samples[known.MEMORY_USED] += (_sample(used, part=part) for part, used in self._memory().items())
        for watched in models:
            self._add_model(samples, watched)
        for family, sample in _of_gpus(self._gpus() if plan.machine.num_gpus else ()):
            samples[family].append(sample)
        return render({family: found for family, found in samples.items() if found})

    def _of_the_server(self, health: Health, plan: MemoryPlan) -> dict[Family, float]:
        return {
            known.STARTED: self._started_s,
            known.READY: health.ready is None,
            known.LIVE: health.live is None,
            known.MEMORY_LIMIT: plan.machine.memory.bytes,
            known.MEMORY_PREDICTED: plan.budget.total_bytes,
        }

    def _add_model(self, samples: dict[Family, list[Sample]], watched: Watched) -> None:
        names = {"model_name": watched.model.name, "model_version": watched.model.version}
        for family, value in _of_a_model(watched.numbers):
            samples[family].append(_sample(value, **names))
        for verdict in Verdict:
            samples[known.CHECKS].append(_sample(watched.numbers.verdicts[verdict], **names, verdict=verdict))
        told = {label: str(watched.numbers.told.get(label, "")) for label in ("engine", "precision")}
        samples[known.MODEL_INFO].append(_sample(1, **names, **self._from_archive(watched.model), **told))

    def _from_archive(self, model: ServedModel) -> Mapping[str, str]:
        """The labels that the archive tells, which is read once."""
        if model not in self._from_archives:
            self._from_archives[model] = {"task": model.task, "digest": model.content_id}
        return self._from_archives[model]


def _of_a_model(numbers: ModelNumbers) -> Iterator[tuple[Family, float]]:
    yield known.RESTARTS, numbers.restarts
    yield known.CHECK_WAIT, numbers.check_s
    if (state := numbers.state) is not None:
        yield known.WANTED, state.min_workers
        yield known.WORKERS_READY, state.num_ready
        yield known.QUEUED, state.pending_requests
        yield known.QUEUE_LIMIT, state.queue_length
    for family, name in ((known.DIFFERENCE, "max_difference"), (known.TOKEN_BUDGET, "token_budget")):
        if isinstance(value := numbers.told.get(name), int | float):
            yield family, value


def _of_gpus(gpus: Sequence[GpuUse]) -> Iterator[tuple[Family, Sample]]:
    for gpu in gpus:
        yield known.GPU_BUSY, _sample(gpu.busy_ratio, gpu=gpu.uuid)
        yield known.GPU_USED, _sample(gpu.used_bytes, gpu=gpu.uuid)
        yield known.GPU_TOTAL, _sample(gpu.total_bytes, gpu=gpu.uuid)


def _sample(value: float, **labels: str) -> Sample:
    return Sample(value=value, labels=labels)
