"""What is checked before Java starts: the archives, the memory, the ports."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from ..archive.served_model import ServedModel, read_model
from ..archive.unpack import cache_folder, unpack_once
from ..console import say
from ..errors import Refused, UsageError
from ..machine.gpu import count_gpus, describe_device
from ..machine.quantities import format_bytes
from ..memory.budget import ModelLoad, ServerSizes
from ..memory.capacity import describe_server, read_limits, read_served
from ..memory.fit import Fitted, fit
from ..process.java import find_java
from ..settings import Settings, find_config
from .plan import Plan
from .ports import require_free_ports


def prepare(
    archives: Sequence[Path], config: Path | None, memory: str | None, drain_s: float, not_forked: str | None
) -> Plan:
    """Check all that can be checked without Java, and say what was decided; `not_forked`: why workers are not."""
    path = find_config(config)
    say(f"settings from {path}")
    settings = Settings.load(path, os.environ)
    with ThreadPoolExecutor(max_workers=1) as other:  # beside a GPU torch is asked, in a process that takes seconds
        counted = other.submit(count_gpus, os.environ)
        models = prepare_models(archives or settings.archives)
    num_gpus = counted.result()
    say(f"device: {describe_device(num_gpus, os.environ)}")
    if not_forked:
        say(f"each worker imports for itself, none is forked: {not_forked}")
    served = read_served([model.folder for model in models], settings.workers_on(num_gpus), cache_folder())
    fitted = _fit(served, describe_server(settings, num_gpus, is_forked=not not_forked), memory)
    require_free_ports(settings.endpoints)
    java = find_java(os.environ, say)
    say(
        "TorchServe's tokens are off: they cannot be preset or shared between replicas; "
        "the guard is that the management API listens on loopback only"
    )
    return Plan(
        settings=settings,
        models=models,
        java=java,
        fitted=fitted,
        num_gpus=num_gpus,
        is_forked=not not_forked,
        drain_s=drain_s,
    )


def _fit(served: Sequence[ModelLoad], server: ServerSizes, memory: str | None) -> Fitted:
    """Refused where memory is too small for them."""
    limits = read_limits(memory, server.num_gpus, os.environ)
    fitted = fit(served, server, limits)
    needed, granted = format_bytes(fitted.budget.total_bytes), format_bytes(limits.memory.bytes)
    say(f"memory: at most {needed} of the {granted} that {limits.memory.source} grants")
    return fitted


def prepare_models(archives: Sequence[Path]) -> tuple[ServedModel, ...]:
    """Every archive unpacked and what is served verified; Refused: one is missing, altered or named like another."""
    if not archives:
        raise UsageError("nothing to serve: name an archive, or set load_models in config.properties")
    cache = cache_folder()
    with ThreadPoolExecutor() as threads:
        folders = list(threads.map(partial(unpack_once, cache=cache), archives))
    models = tuple(read_model(folder.absolute()) for folder in folders)
    names = [model.name for model in models]
    for model, archive in zip(models, archives, strict=True):
        if names.count(model.name) > 1:
            raise Refused(f"{archive}: two archives are named {model.name!r}; pack one of them with another --name")
    return models
