"""What takes seconds before java starts: the archives are verified and unpacked, the memory is counted."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..archive.served_model import ServedModel, read_model
from ..archive.signature import unpack_signed
from ..archive.unpack import cache_folder
from ..clients.launcher import health_endpoint
from ..console import say
from ..errors import Refused
from ..front.keys import KeySource
from ..front.plan import MAX_THREADS, FrontPlan, move_behind
from ..machine.gpu import describe_device
from ..machine.machine import Machine, read_machine
from ..machine.quantities import format_bytes
from ..memory.fit import MemoryPlan
from ..memory.plan import plan_memory
from ..process.java import find_java
from ..progress import Advance, ignore
from ..settings import Settings
from ..tune.tuning import find_tuning
from .access import who_may_ask
from .plan import ServerPlan
from .request import Request


def prepare_server(request: Request, drain_s: float, not_forked: str | None, advance: Advance = ignore) -> ServerPlan:
    """Check all that can be checked without java, and say what was decided.

    `not_forked`: why there is no fork server; the plan counts with the one that was started, whatever is true by now.
    `advance` is told of bytes that were unpacked, and may raise.
    """
    with ThreadPoolExecutor(max_workers=1) as other:  # nvidia-smi may have to wake the GPUs
        reading = other.submit(read_machine, os.environ, request.memory)
        models = prepare_models(request.archives, request.signed_by, advance)
    settings, machine = request.settings, replace(reading.result(), not_forked=not_forked)
    _announce_machine(machine)
    split, line = find_tuning(request.archives, settings, machine)
    if line:
        say(line)
    plan = plan_memory([model.folder for model in models], settings, machine, split=split)
    plan.require_fit()
    needed, granted = format_bytes(plan.budget.total_bytes), format_bytes(machine.memory.bytes)
    say(f"memory: at most {needed} of the {granted} that {machine.memory.source} grants")
    say(f"workers of each model: {plan.workers}, because {plan.why_workers}; queue: {plan.queue_length} requests")
    java = find_java(os.environ, say)
    say(who_may_ask(settings, request.keys))
    front = plan_front(settings, request.keys, models, plan)
    return ServerPlan(
        settings=settings, models=models, java=java, memory=plan, front=front, drain_s=drain_s, split=split
    )


def plan_front(
    settings: Settings, keys: KeySource | None, models: Sequence[ServedModel], memory: MemoryPlan
) -> FrontPlan | None:
    """Plan the front, or say what clients lack without one."""
    machine = memory.machine
    if machine.haproxy is None:
        say(
            f"no front: {machine.no_haproxy}, so TorchServe answers clients itself, without keys, TLS, the other "
            "protocols' root paths or gRPC for Open Inference clients, and one StreamPredictions2 call can end a "
            "worker; install haproxy 2.6 or newer (apt-get install haproxy)"
        )
        return None
    return FrontPlan(
        executable=machine.haproxy,
        outside=settings,
        behind=move_behind(settings),
        models=tuple(models),
        max_requests=memory.queue_length,
        max_connections=memory.connections,
        threads=min(machine.cores, MAX_THREADS),
        health=health_endpoint(os.environ),
        keys=keys,
    )


def _announce_machine(machine: Machine) -> None:
    say(f"device: {describe_device(machine.num_gpus, os.environ)}")
    if machine.not_forked:
        say(f"each worker imports for itself, none is forked: {machine.not_forked}")


def prepare_models(
    archives: Sequence[Path], signed_by: Path | None = None, advance: Advance = ignore
) -> tuple[ServedModel, ...]:
    """Unpack every archive and verify what is served; Refused when one is missing, altered or there twice.

    With a public key, `signed_by`, each has its signature.
    """
    cache = cache_folder()
    with ThreadPoolExecutor() as threads:
        folders = list(threads.map(partial(unpack_signed, key=signed_by, cache=cache, advance=advance), archives))
    models = tuple(read_model(folder.absolute()) for folder in folders)
    paths = [model.path for model in models]
    for model, archive in zip(models, archives, strict=True):
        if paths.count(model.path) > 1:
            raise Refused(
                f"{archive}: two archives are {model.name} {model.version}; pack one of them with another --version or "
                "--name"
            )
    return models
