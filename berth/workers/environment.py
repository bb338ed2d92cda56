"""The environment of an archive's handler, in its proof as in a server: what was proven is what runs. Pure."""

from collections.abc import Mapping
from pathlib import Path

# An inherited PYTHONPATH would come before the archive's handler, a safe path would leave the archive out, and
# PYTHONHOME could name another Python.
NOT_INHERITED = ("PYTHONPATH", "PYTHONSAFEPATH", "PYTHONHOME")
ALWAYS_SET = {
    # Under LC_ALL=C java cannot name a file whose path is not ASCII. LC_ALL beats LANG and LC_CTYPE; glibc has C.UTF-8.
    "LC_ALL": "C.UTF-8",
    "PYTHONUTF8": "1",
    "PYTHONDONTWRITEBYTECODE": "1",  # a __pycache__ would count as a member added to the unpacked archive
    "HF_HUB_OFFLINE": "1",
}
# How the OpenMP threads of a worker wait for work. Chosen by measurement: docs/decisions/start.md.
OPENMP_ENVIRONMENT: Mapping[str, str] = {"OMP_WAIT_POLICY": "PASSIVE"}

# The fork server must not call CUDA, or no fork could: torch asks the driver's NVML whether there is a GPU. And torch
# counts the GPUs in nvidia-smi's order, which berth and TorchServe go by.
GPU_ENVIRONMENT: Mapping[str, str] = {"PYTORCH_NVML_BASED_CUDA_CHECK": "1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


def worker_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The inherited environment without what would change which code runs."""
    return {name: value for name, value in environ.items() if name not in NOT_INHERITED} | ALWAYS_SET


def server_environment(environ: Mapping[str, str], run_folder: Path) -> dict[str, str]:
    """The environment of a server's workers, whoever starts them."""
    return {
        **OPENMP_ENVIRONMENT,
        **worker_environment(environ),
        **GPU_ENVIRONMENT,
        "TEMP": str(run_folder),
        "TMPDIR": str(run_folder),
    }
