"""What makes two machines alike to whoever measured on one of them. Reads /proc/cpuinfo only."""

import platform
from dataclasses import dataclass
from pathlib import Path

from handler.precision import CPU_INFO, cpu_flags

from .machine import Machine

FAST_FLAGS = ("amx", "avx", "f16c", "fma")
"""How the names of those flags begin that matrices are multiplied with; a kernel may add others to its list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """A machine's processor, as far as speed depends on it."""

    cpu: str
    """The model's name, else the architecture's."""
    flags: tuple[str, ...]
    """Those that begin with FAST_FLAGS, sorted."""
    cores: int
    """That are granted."""
    num_gpus: int
    gpu: str
    """The name of one; "" where there is none."""


def read_traits(machine: Machine, file: Path = CPU_INFO) -> Traits:
    """Describe this machine's processor; `machine` has its cores and GPUs."""
    return Traits(
        cpu=_model_name(file) or platform.machine(),
        flags=tuple(sorted(flag for flag in cpu_flags(file) if flag.startswith(FAST_FLAGS))),
        cores=machine.cores,
        num_gpus=machine.num_gpus,
        gpu=machine.gpu.name if machine.gpu else "",
    )


def _model_name(file: Path) -> str:
    """The first CPU's, "" where Linux does not say it, as on Arm."""
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
