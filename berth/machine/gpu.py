"""This machine's GPUs as a server will see them, and what is missing where one was asked for."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from handler.config import Device

from ..errors import Refused, UsageError
from .nvidia_smi import Gpu, read_table, visible_gpus

DEVICE_VARIABLE = "BERTH_DEVICE"
DEVICES = Path("/dev")
ASK_TIMEOUT_S = 120.0  # the first `import torch` of an image that is streamed
_CUDA_BUILD = re.compile(r"^cuda\b[^=]*= *['\"]", re.MULTILINE)
ASK_TORCH = (
    "from torch import cuda\n"
    "for each in range(cuda.device_count() if cuda.is_available() else 0):\n"
    "    free, total = (amount // 2**20 for amount in cuda.mem_get_info(each))\n"
    "    print(cuda.get_device_name(each), total, free, sep=',')\n"
)


def read_gpus(environ: Mapping[str, str]) -> tuple[Gpu, ...]:
    """The GPUs that a server may use; none without nvidia-smi, which is what TorchServe asks.

    Refused when BERTH_DEVICE is cuda and there is no GPU; UsageError when it is not a device.
    """
    wanted = environ.get(DEVICE_VARIABLE, Device.AUTO)
    if wanted not in list(Device):
        raise UsageError(f"{DEVICE_VARIABLE} is {wanted!r}; it is one of {', '.join(Device)}")
    gpus = find_gpus(environ)
    if wanted == Device.CUDA and not gpus:
        raise Refused(f"{DEVICE_VARIABLE} is cuda and there is no GPU: {explain_missing(environ, DEVICES)}")
    return gpus


def find_gpus(environ: Mapping[str, str]) -> tuple[Gpu, ...]:
    """The GPUs that nvidia-smi shows, or torch where that cannot say; none where BERTH_DEVICE is cpu.

    No torch is imported here: whether it can use them, each worker finds out, and says why it cannot.
    """
    if environ.get(DEVICE_VARIABLE) == Device.CPU or not has_driver(environ) or not has_cuda_build():
        return ()
    table = read_table(environ)
    if table is None:
        return ()
    try:
        return visible_gpus(table, environ)
    except ValueError:
        return _ask_torch(environ)


def describe_device(num_gpus: int, environ: Mapping[str, str], devices: Path = DEVICES) -> str:
    """Say what a server will run on, for its log; never the CPU beside a GPU without saying why."""
    if num_gpus:
        return f"{num_gpus} GPU{'s' if num_gpus > 1 else ''}"
    why = why_unused(environ, devices)
    return f"CPU, not a GPU: {why}" if why else "CPU"


def why_unused(environ: Mapping[str, str], devices: Path = DEVICES) -> str | None:
    """Say why this machine's GPU cannot be used; None where it has none, or is not to be used."""
    is_wanted = environ.get(DEVICE_VARIABLE) != Device.CPU
    return explain_missing(environ, devices) if is_wanted and _has_device(environ, devices) else None


def has_driver(environ: Mapping[str, str]) -> bool:
    """Whether nvidia-smi is on PATH."""
    return shutil.which("nvidia-smi", path=environ.get("PATH")) is not None


def has_cuda_build() -> bool:
    """Whether the torch beside berth was built for CUDA, by its own version file; it is not imported."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    version = Path(spec.origin).with_name("version.py")
    return version.is_file() and _CUDA_BUILD.search(version.read_text("utf-8")) is not None


def explain_missing(environ: Mapping[str, str], devices: Path) -> str:
    """Say what stands between this process and a GPU, and what to do about it."""
    if not _has_device(environ, devices):
        return (
            f"{devices} has no nvidia0. In Kubernetes, the container needs the limit nvidia.com/gpu: 1 and the node "
            "NVIDIA's device plugin; in podman or docker, pass the GPU in; on a machine, install its driver"
        )
    if not has_driver(environ):
        return (
            "nvidia-smi, by which TorchServe counts GPUs, is not on PATH. The node has no driver installed (GKE: "
            "gpu-driver-version=latest on the node pool), or it is mounted elsewhere than /usr/local/nvidia/bin"
        )
    if not has_cuda_build():
        return "the installed torch is not a CUDA build (`pip show torch`): install one for the driver's CUDA"
    return (
        "nvidia-smi shows none that may be used: run it to see whether the driver works, and look whether "
        "CUDA_VISIBLE_DEVICES hides the GPU"
    )


def _has_device(environ: Mapping[str, str], devices: Path) -> bool:
    """Whether there is a GPU to explain: a file of the driver, or, as in WSL, which has none, a line of nvidia-smi."""
    return any(devices.glob("nvidia[0-9]*")) or (
        has_driver(environ) and any(line.startswith("GPU-") for line in (read_table(environ) or "").splitlines())
    )


def _ask_torch(environ: Mapping[str, str]) -> tuple[Gpu, ...]:
    """Ask torch, in a process of its own that takes seconds, for what nvidia-smi does not say, in its order."""
    command = [sys.executable, "-c", ASK_TORCH]
    env = {**environ, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}  # as the workers have it
    try:
        ran = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True, timeout=ASK_TIMEOUT_S)
    except subprocess.SubprocessError:
        return ()  # stderr, which is the log, says why
    return tuple(Gpu.read(*line.split(",")) for line in ran.stdout.splitlines())
