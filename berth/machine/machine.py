"""What a server finds to run on: this machine, or one that is only described."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from handler.config import LoneTexts

from .forking import why_not_forked
from .gpu import find_gpus, read_gpus
from .haproxy import find_haproxy
from .limits import MemoryLimit, granted_cores, memory_limit
from .lone_texts import read_lone_texts
from .nvidia_smi import Gpu
from .quantities import parse_quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """All that a server's plan depends on beside its settings and models."""

    memory: MemoryLimit
    cores: int
    num_gpus: int
    gpu: Gpu | None
    """The GPU with least free memory; None where there is no GPU, or none of this machine's to ask."""
    not_forked: str | None
    """Why each worker imports for itself; None where the workers are forked."""
    haproxy: Path | None = None
    """What will be the front; None where TorchServe answers clients itself."""
    no_haproxy: str = ""
    """Why there is none."""
    lone_texts: LoneTexts = LoneTexts.TORCH
    """What will read a text that comes alone."""


def read_machine(environ: Mapping[str, str], memory: str | None, num_gpus: int | None = None) -> Machine:
    """Describe this machine; `memory` (as Kubernetes writes it) and `num_gpus` replace what it says itself.

    Whether workers are forked depends on what the machine grants, whatever `memory` says: the kernel goes by that.
    """
    granted = memory_limit()
    haproxy, no_haproxy = find_haproxy(environ.get("PATH"))
    found = read_gpus(environ) if num_gpus is None else find_gpus(environ) if num_gpus else ()
    return Machine(
        memory=MemoryLimit(bytes=parse_quantity(memory), source="--memory") if memory else granted,
        cores=granted_cores(),
        num_gpus=len(found) if num_gpus is None else num_gpus,
        gpu=min(found, key=lambda gpu: gpu.free_bytes, default=None),
        not_forked=why_not_forked(granted),
        haproxy=haproxy,
        no_haproxy=no_haproxy,
        lone_texts=read_lone_texts(environ),
    )
