"""What a server finds to run on: this machine, or one that is only described."""

from collections.abc import Mapping
from dataclasses import dataclass

from .forking import why_not_forked
from .gpu import count_gpus, gpu_memory_bytes, may_have_gpu
from .limits import MemoryLimit, granted_cores, memory_limit
from .quantities import parse_quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """All that a server's plan depends on beside its settings and models."""

    memory: MemoryLimit
    cores: int
    num_gpus: int
    gpu_bytes: int | None
    """The smallest GPU's memory; None where there is no GPU, or none of this machine's to measure."""
    not_forked: str | None
    """Why each worker imports for itself; None where the workers are forked."""


def read_machine(environ: Mapping[str, str], memory: str | None, num_gpus: int | None = None) -> Machine:
    """Describe this machine; `memory` (as Kubernetes writes it) and `num_gpus` replace what it says itself."""
    limit = granted_memory(memory)
    counted = count_gpus(environ) if num_gpus is None else num_gpus
    return Machine(
        memory=limit,
        cores=granted_cores(),
        num_gpus=counted,
        gpu_bytes=gpu_memory_bytes(environ) if counted else None,
        not_forked=why_not_forked(limit, beside_gpu=may_have_gpu(environ) if num_gpus is None else num_gpus > 0),
    )


def granted_memory(memory: str | None) -> MemoryLimit:
    """`memory`, else what the control groups and the machine grant this process."""
    return MemoryLimit(bytes=parse_quantity(memory), source="--memory") if memory else memory_limit()
