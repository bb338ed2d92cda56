"""What this machine grants a server, and what its archives ask for: the edge of berth/memory/fit.py."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..archive.unpack import cache_folder
from ..machine.gpu import count_gpus, gpu_memory_bytes
from ..machine.limits import MemoryLimit, granted_cores, is_in_memory, memory_limit
from ..machine.quantities import parse_quantity
from ..settings import Settings, find_config
from .budget import Budget, ModelLoad, ServerSizes, plan_budget
from .fit import Limits, require_fit
from .model_size import ModelSize


def read_limits(memory: str | None, num_gpus: int, environ: Mapping[str, str]) -> Limits:
    """`memory`, as Kubernetes writes it, in the place of what the machine says."""
    limit = MemoryLimit(bytes=parse_quantity(memory), source="--memory") if memory else memory_limit()
    return Limits(memory=limit, gpu_bytes=gpu_memory_bytes(environ) if num_gpus else None)


def describe_server(settings: Settings, num_gpus: int, *, is_forked: bool) -> ServerSizes:
    """The settings that cost memory."""
    return ServerSizes(
        queue_length=settings.queue_length,
        request_bytes=settings.max_request_bytes,
        response_bytes=settings.max_response_bytes,
        vmargs=settings.vmargs,
        cores=granted_cores(),
        num_gpus=num_gpus,
        is_forked=is_forked,
    )


def read_served(archives: Sequence[Path], workers: int, cache: Path) -> list[ModelLoad]:
    """Each with so many workers; a .mar will be unpacked in `cache`."""
    return [
        ModelLoad(
            facts=ModelSize.read(archive),
            workers=workers,
            is_in_memory=is_in_memory(archive if archive.is_dir() else cache),
        )
        for archive in archives
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetOptions:
    """What `berth budget` was asked; None: as this machine and its config.properties say."""

    config: Path | None = None
    memory: str | None = None
    workers: int | None = None
    num_gpus: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflinePlan:
    """A server that nobody starts."""

    budget: Budget
    limits: Limits
    models: Sequence[ModelLoad]
    server: ServerSizes

    def require_fit(self) -> None:
        """Refused where it would not be started."""
        require_fit(self.budget, self.models, self.server, self.limits)


def plan_offline(
    archives: Sequence[Path], options: BudgetOptions, environ: Mapping[str, str] = os.environ
) -> OfflinePlan:
    """The smallest server of these archives: java has room for no more workers than there are."""
    settings = Settings.load(find_config(options.config), environ)
    num_gpus = count_gpus(environ) if options.num_gpus is None else options.num_gpus
    server = describe_server(settings, num_gpus, is_forked=not num_gpus)
    models = read_served(archives, options.workers or settings.workers_on(num_gpus), cache_folder(environ))
    limits = read_limits(options.memory, num_gpus, environ)
    return OfflinePlan(budget=plan_budget(models, server), limits=limits, models=models, server=server)
