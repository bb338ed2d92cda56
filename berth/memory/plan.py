"""The one way to plan a server's memory, for `berth serve` and `berth budget` alike; it reads the archives."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..archive.unpack import cache_folder
from ..machine.limits import is_in_memory
from ..machine.machine import Machine
from ..settings import Settings
from .budget import ModelLoad, ServerSizes, plan_budget
from .fit import FEWEST_CONNECTIONS, MemoryPlan, excess, fit, with_workers
from .model_size import ModelSize
from .split import Split
from .workers import Workers, choose_workers

SHORTEST_QUEUE = 128
"""Requests that may wait for each model where config.properties leaves it open, and the number on a CPU."""
LONGEST_QUEUE = 1024  # on a GPU, which answers so many in a moment


def plan_memory(
    archives: Sequence[Path],
    settings: Settings,
    machine: Machine,
    workers: int | None = None,
    split: Split | None = None,
) -> MemoryPlan:
    """Plan the memory of a server of these archives; `workers` of each model, else as many as it would start with.

    `split`: how `berth tune` found that one archive is best served here.
    """
    models = [_read_model(archive, split) for archive in archives]
    return plan_models(models, settings, machine, workers, split)


def plan_models(
    models: Sequence[ModelLoad],
    settings: Settings,
    machine: Machine,
    workers: int | None = None,
    split: Split | None = None,
) -> MemoryPlan:
    """Plan the memory of a server of these models, which need not be archives yet; their own `workers` do not count."""
    shortest = _describe(settings, machine)
    chosen = _choose(workers, models, settings, machine, split)
    longest = LONGEST_QUEUE if machine.num_gpus else SHORTEST_QUEUE
    return fit(
        with_workers(models, chosen.number),
        shortest,
        machine,
        why_workers=chosen.why,
        longest_queue=settings.queue_length or longest,
    )


def _choose(
    asked: int | None, models: Sequence[ModelLoad], settings: Settings, machine: Machine, split: Split | None
) -> Workers:
    """As many workers as somebody said, else as were tuned or suit GPUs and cores, where memory holds them."""
    if asked:
        return Workers(number=asked, why="as was asked for")
    if settings.default_workers:
        return Workers(number=settings.default_workers, why="default_workers_per_model says so")
    tuned = Workers(number=split.workers, why="`berth tune` found them best here") if split else None
    wanted = tuned or choose_workers(machine, len(models))
    server = _describe(settings, machine)
    for number in range(wanted.number, 0, -1):
        if not excess(plan_budget(with_workers(models, number), server), machine):
            break
    return wanted if number == wanted.number else Workers(number=number, why=f"{wanted.why}; memory holds no more")


def _read_model(archive: Path, split: Split | None) -> ModelLoad:
    size = ModelSize.read(archive)
    if split and size.config:
        size = replace(size, config=replace(size.config, token_budget=split.token_budget))
    folder = archive if archive.is_dir() else cache_folder()  # where a .mar will be unpacked
    return ModelLoad(size=size, workers=1, is_in_memory=is_in_memory(folder))


def _describe(settings: Settings, machine: Machine) -> ServerSizes:
    """The server with the shortest queue and the fewest connections that will do."""
    return ServerSizes(
        queue_length=settings.queue_length or SHORTEST_QUEUE,
        request_bytes=settings.max_request_bytes,
        response_bytes=settings.max_response_bytes,
        vmargs=settings.vmargs,
        cores=machine.cores,
        num_gpus=machine.num_gpus,
        is_forked=machine.not_forked is None,
        connections=FEWEST_CONNECTIONS if machine.haproxy else 0,
        has_tls=settings.certificate is not None,
        lone_texts=machine.lone_texts,
    )
