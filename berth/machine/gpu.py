"""This machine's GPUs as a server will see them, and what is missing where one was asked for."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from handler.config import Device

from ..errors import Refused, UsageError

DEVICE_VARIABLE = "BERTH_DEVICE"
DEVICES = Path("/dev")
COUNT_TIMEOUT_S = 120.0  # the first `import torch` of an image that is streamed


def count_gpus(environ: Mapping[str, str]) -> int:
    """Count GPUs as torch does (CUDA_VISIBLE_DEVICES); none without nvidia-smi, which is what TorchServe asks.

    Refused when BERTH_DEVICE is cuda and there is no GPU; UsageError when it is not a device.
    """
    wanted = environ.get(DEVICE_VARIABLE, Device.AUTO)
    if wanted not in list(Device):
        raise UsageError(f"{DEVICE_VARIABLE} is {wanted!r}; it is one of {', '.join(Device)}")
    num_gpus = _ask_torch()[0] if may_have_gpu(environ) else 0
    if wanted == Device.CUDA and num_gpus == 0:
        raise Refused(f"{DEVICE_VARIABLE} is cuda and there is no GPU: {explain_missing(environ, DEVICES)}")
    return num_gpus


def describe_device(num_gpus: int, environ: Mapping[str, str], devices: Path = DEVICES) -> str:
    """Say what a server will run on, for its log; never the CPU beside a GPU without saying why."""
    if num_gpus:
        return f"{num_gpus} GPU{'s' if num_gpus > 1 else ''}"
    is_wanted = environ.get(DEVICE_VARIABLE) != Device.CPU
    return f"CPU, not a GPU: {explain_missing(environ, devices)}" if is_wanted and _has_device(devices) else "CPU"


def gpu_memory_bytes(environ: Mapping[str, str]) -> int | None:
    """Memory of the smallest GPU that torch sees; None where it sees none."""
    return (_ask_torch()[1] or None) if has_driver(environ) else None


def may_have_gpu(environ: Mapping[str, str]) -> bool:
    """Whether BERTH_DEVICE allows a GPU and a driver is there; torch may still see none."""
    return environ.get(DEVICE_VARIABLE) != Device.CPU and has_driver(environ)


def has_driver(environ: Mapping[str, str]) -> bool:
    """Whether nvidia-smi is on PATH."""
    return shutil.which("nvidia-smi", path=environ.get("PATH")) is not None


def explain_missing(environ: Mapping[str, str], devices: Path) -> str:
    """Say what stands between this process and a GPU, and what to do about it."""
    if not _has_device(devices):
        return (
            f"{devices} has no nvidia0. In Kubernetes, the container needs the limit nvidia.com/gpu: 1 and the node "
            "NVIDIA's device plugin; in podman or docker, pass the GPU in; on a machine, install its driver"
        )
    if not has_driver(environ):
        return (
            "nvidia-smi, by which TorchServe counts GPUs, is not on PATH. The node has no driver installed (GKE: "
            "gpu-driver-version=latest on the node pool), or it is mounted elsewhere than /usr/local/nvidia/bin"
        )
    return (
        "the device and nvidia-smi are there, but torch sees none: is it a CUDA build (`pip show torch`), is the "
        "driver new enough for it (`nvidia-smi`), and does CUDA_VISIBLE_DEVICES hide the GPU?"
    )


def _has_device(devices: Path) -> bool:
    return any(devices.glob("nvidia[0-9]*"))


@cache
def _ask_torch() -> tuple[int, int]:
    """Number of GPUs, and the smallest one's bytes."""
    # device_count alone asks NVML, which counts a GPU whose driver is too old for this torch.
    program = (
        "from torch import cuda; count = cuda.device_count() if cuda.is_available() else 0; "
        "print(count, min((cuda.get_device_properties(each).total_memory for each in range(count)), default=0))"
    )
    try:
        ran = subprocess.run(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=False, timeout=COUNT_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return 0, 0
    count, _, smallest = ran.stdout.partition(" ")
    return (int(count), int(smallest)) if ran.returncode == 0 else (0, 0)  # stderr, which is the log, says why
