"""What is checked before java starts: the archives, the memory, the ports."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..archive.served_model import ServedModel, read_model
from ..archive.unpack import cache_folder, unpack_once
from ..console import say
from ..errors import Refused, UsageError
from ..machine.gpu import describe_device
from ..machine.machine import Machine, read_machine
from ..machine.quantities import format_bytes
from ..memory.plan import plan_memory
from ..process.java import find_java
from ..settings import Settings, find_config
from .plan import ServerPlan
from .ports import require_free_ports


def prepare_server(
    archives: Sequence[Path], config: Path | None, memory: str | None, drain_s: float, not_forked: str | None
) -> ServerPlan:
    """Check all that can be checked without java, and say what was decided.

    `not_forked`: why there is no fork server; the plan counts with the one that was started, whatever is true by now.
    """
    path = find_config(config)
    say(f"settings from {path}")
    settings = Settings.load(path, os.environ)
    with ThreadPoolExecutor(max_workers=1) as other:  # beside a GPU torch is asked, in a process that takes seconds
        reading = other.submit(read_machine, os.environ, memory)
        models = prepare_models(archives or settings.archives)
    machine = replace(reading.result(), not_forked=not_forked)
    _announce_machine(machine)
    plan = plan_memory([model.folder for model in models], settings, machine)
    plan.require_fit()
    needed, granted = format_bytes(plan.budget.total_bytes), format_bytes(machine.memory.bytes)
    say(f"memory: at most {needed} of the {granted} that {machine.memory.source} grants")
    require_free_ports(settings.endpoints)
    java = find_java(os.environ, say)
    say(
        "TorchServe's tokens are off: they cannot be preset or shared between replicas; "
        "the guard is that the management API listens on loopback only"
    )
    return ServerPlan(settings=settings, models=models, java=java, memory=plan, drain_s=drain_s)


def _announce_machine(machine: Machine) -> None:
    say(f"device: {describe_device(machine.num_gpus, os.environ)}")
    if machine.not_forked:
        say(f"each worker imports for itself, none is forked: {machine.not_forked}")


def prepare_models(archives: Sequence[Path]) -> tuple[ServedModel, ...]:
    """Unpack every archive and verify what is served; Refused when one is missing, altered or named like another."""
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
