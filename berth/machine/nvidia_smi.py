"""What nvidia-smi says of this machine's GPUs, in a moment; a torch that only counts them takes seconds to import."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .quantities import MIB

VISIBLE = "CUDA_VISIBLE_DEVICES"
QUERY = "--query-gpu=uuid,mig.mode.current,name,memory.total,memory.free"
USE_QUERY = "--query-gpu=uuid,utilization.gpu,memory.used,memory.total"
USE_TIMEOUT_S = 4.0  # Prometheus waits 10 s for all
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


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuUse:
    """What one GPU does now."""

    uuid: str
    busy_ratio: float
    """The part of the last second in which something ran on it, from 0 to 1."""
    used_bytes: int
    total_bytes: int


def read_table(environ: Mapping[str, str], query: str = QUERY, timeout_s: float = TIMEOUT_S) -> str | None:
    """Run nvidia-smi, which is on PATH: a line for each GPU; None when it fails or takes longer."""
    command = ["nvidia-smi", query, "--format=csv,noheader,nounits"]
    try:
        ran = subprocess.run(command, env=dict(environ), capture_output=True, text=True, check=True, timeout=timeout_s)
    except (OSError, subprocess.SubprocessError):
        return None
    return ran.stdout


def visible_gpus(table: str, environ: Mapping[str, str]) -> tuple[Gpu, ...]:
    """The table's GPUs that CUDA_VISIBLE_DEVICES leaves, in its order.

    ValueError where the table does not say what CUDA would see: a GPU that is divided (MIG), or shares the machine's
    memory.
    """
    rows = visible_rows(table, environ)
    if any(mode == "Enabled" for _, mode, *_ in rows):
        raise ValueError("nvidia-smi lists GPUs, and a part of one is used")
    return tuple(Gpu.read(*row[2:]) for row in rows)


def read_use(environ: Mapping[str, str]) -> tuple[GpuUse, ...]:
    """What the GPUs that CUDA_VISIBLE_DEVICES leaves do now; without those of which nvidia-smi does not say it.

    None at all where it takes over USE_TIMEOUT_S, or where a part of a GPU (MIG) is used.
    """
    try:
        rows = visible_rows(read_table(environ, USE_QUERY, USE_TIMEOUT_S) or "", environ)
    except ValueError:
        return ()
    return tuple(filter(None, map(_read_use, rows)))


def _read_use(row: Sequence[str]) -> GpuUse | None:
    """One GPU's line; None where it has no number: [N/A], [Not Supported], [Unknown Error], or another kind of line."""
    try:
        uuid, busy_percent, used_mib, total_mib = row[0], *map(int, row[1:])
    except ValueError:
        return None
    return GpuUse(uuid=uuid, busy_ratio=busy_percent / 100, used_bytes=used_mib * MIB, total_bytes=total_mib * MIB)


def visible_rows(table: str, environ: Mapping[str, str]) -> list[list[str]]:
    """The fields of each GPU that CUDA_VISIBLE_DEVICES leaves, in its order; ValueError for a part's name."""
    rows = [[field.strip() for field in line.split(",")] for line in table.splitlines() if line.strip()]
    if VISIBLE not in environ:
        return rows
    return [rows[place] for place in _choose(environ[VISIBLE], [uuid for uuid, *_ in rows])]


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
