"""What nvidia-smi says of this machine's GPUs, in a moment; a torch that only counts them takes seconds to import."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .quantities import MIB

VISIBLE = "CUDA_VISIBLE_DEVICES"
QUERY = "--query-gpu=uuid,mig.mode.current,name,memory.total,memory.free"
TIMEOUT_S = 60.0  # without the driver's persistence mode it wakes every GPU first


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One GPU that a server may use."""

    name: str
    """As the driver calls it: NVIDIA L4."""
    total_bytes: int
    free_bytes: int
    """What no process holds at this moment."""

    @classmethod
    def read(cls, name: str, total_mib: str, free_mib: str) -> "Gpu":
        """Read a name and two numbers of MiB; ValueError where the driver does not know them."""
        return cls(name=name, total_bytes=int(total_mib) * MIB, free_bytes=int(free_mib) * MIB)


def read_table(environ: Mapping[str, str]) -> str | None:
    """Run nvidia-smi, which is on PATH: a line for each GPU; None when it fails or takes longer than TIMEOUT_S."""
    command = ["nvidia-smi", QUERY, "--format=csv,noheader,nounits"]
    try:
        ran = subprocess.run(command, env=dict(environ), capture_output=True, text=True, check=True, timeout=TIMEOUT_S)
    except (OSError, subprocess.SubprocessError):
        return None
    return ran.stdout


def visible_gpus(table: str, environ: Mapping[str, str]) -> tuple[Gpu, ...]:
    """The table's GPUs that CUDA_VISIBLE_DEVICES leaves, in its order.

    ValueError where the table does not say what CUDA would see: a GPU that is divided (MIG), or shares the machine's
    memory.
    """
    rows = [[field.strip() for field in line.split(",")] for line in table.splitlines() if line.strip()]
    chosen = _choose(environ[VISIBLE], [uuid for uuid, *_ in rows]) if VISIBLE in environ else range(len(rows))
    if any(mode == "Enabled" for _, mode, *_ in (rows[index] for index in chosen)):
        raise ValueError("nvidia-smi lists GPUs, and a part of one is used")
    return tuple(Gpu.read(*rows[index][2:]) for index in chosen)


def _choose(visible: str, uuids: Sequence[str]) -> list[int]:
    """Read CUDA_VISIBLE_DEVICES as CUDA does: indices or beginnings of UUIDs, up to the first that names no GPU.

    https://docs.nvidia.com/cuda/cuda-c-programming-guide/#cuda-environment-variables. ValueError for a part's name.
    """
    chosen: list[int] = []
    for name in (each.strip() for each in visible.split(",")):
        if name.startswith("MIG-"):
            raise ValueError(f"{name} is a part of a GPU")
        if name.isascii() and name.isdigit():
            found = [int(name)] if int(name) < len(uuids) else []
        else:
            found = [index for index, uuid in enumerate(uuids) if name.startswith("GPU-") and uuid.startswith(name)]
        if len(found) != 1:
            break
        chosen += found
    return chosen if len(set(chosen)) == len(chosen) else []  # CUDA sees none where one is named twice
