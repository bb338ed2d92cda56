"""The one way to plan a server's memory, for `berth serve` and `berth budget` alike; it reads the archives."""

from collections.abc import Sequence
from pathlib import Path

from ..archive.unpack import cache_folder
from ..machine.limits import is_in_memory
from ..machine.machine import Machine
from ..settings import Settings
from .budget import ModelLoad, ServerSizes
from .fit import MemoryPlan, fit
from .model_size import ModelSize


def plan_memory(
    archives: Sequence[Path], settings: Settings, machine: Machine, workers: int | None = None
) -> MemoryPlan:
    """Plan the memory of a server of these archives; `workers` of each model, else as many as it would start with."""
    num_workers = workers or settings.workers_on(machine.num_gpus)
    return plan_loads([_read_load(archive, num_workers) for archive in archives], settings, machine)


def plan_loads(models: Sequence[ModelLoad], settings: Settings, machine: Machine) -> MemoryPlan:
    """Plan the memory of a server of these models, which need not be archives yet."""
    return fit(models, _describe(settings, machine), machine)


def _read_load(archive: Path, workers: int) -> ModelLoad:
    size = ModelSize.read(archive)
    folder = archive if archive.is_dir() else cache_folder()  # where a .mar will be unpacked
    return ModelLoad(size=size, workers=workers, is_in_memory=is_in_memory(folder))


def _describe(settings: Settings, machine: Machine) -> ServerSizes:
    return ServerSizes(
        queue_length=settings.queue_length,
        request_bytes=settings.max_request_bytes,
        response_bytes=settings.max_response_bytes,
        vmargs=settings.vmargs,
        cores=machine.cores,
        num_gpus=machine.num_gpus,
        is_forked=machine.not_forked is None,
    )
