"""The environment that an archive's handler gets, in its proof and in a server: what was proven is what runs. Pure."""

from collections.abc import Mapping
from pathlib import Path

# An inherited PYTHONPATH would come before the archive's handler, a safe path would leave the archive out, and
# another PYTHONHOME would be another Python.
REMOVED = ("PYTHONPATH", "PYTHONSAFEPATH", "PYTHONHOME")
FIXED = {
    "PYTHONDONTWRITEBYTECODE": "1",  # a __pycache__ would be an added member of the unpacked archive
    "HF_HUB_OFFLINE": "1",
}
# How the OpenMP threads of a worker wait for work. Chosen by measurement: docs/decisions/start.md.
OPENMP_ENVIRONMENT: Mapping[str, str] = {"OMP_WAIT_POLICY": "PASSIVE"}


def worker_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What is inherited, without what would change which code runs."""
    return {name: value for name, value in environ.items() if name not in REMOVED} | FIXED


def server_environment(environ: Mapping[str, str], run_folder: Path) -> dict[str, str]:
    """What a server's workers inherit, whoever starts them."""
    return {
        **OPENMP_ENVIRONMENT,
        **worker_environment(environ),
        "TOKENIZERS_PARALLELISM": "true",
        "TEMP": str(run_folder),
        "TMPDIR": str(run_folder),
    }
