"""Whether one process imports torch and transformers for all workers, and forks them."""

import os
import sys
import sysconfig
from pathlib import Path

from .limits import MemoryLimit
from .quantities import MIB, format_bytes

IMPORTS_BYTES = 300 * MIB  # what all forks share, and the mapped files of torch and java


def find_worker_python() -> Path:
    """Where pip has put `berth-python`: beside this Python, in the system's folder of scripts, or in the user's own."""
    user = sysconfig.get_preferred_scheme("user")
    folders = (Path(sys.executable).parent, sysconfig.get_path("scripts"), sysconfig.get_path("scripts", user))
    places = [Path(folder, "berth-python") for folder in folders]
    return next((place for place in places if place.exists()), places[0])


WORKER_PYTHON = find_worker_python()


def why_not_forked(memory: MemoryLimit) -> str | None:
    """Why each worker has to import for itself; None where the workers are forked."""
    if not WORKER_PYTHON.exists():
        return f"{WORKER_PYTHON} is missing: install berth again"
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (OSError, AttributeError):
        return "this kernel has no pidfd_open"
    if memory.bytes < 2 * IMPORTS_BYTES:
        return f"{memory.source} grants {format_bytes(memory.bytes)}"
    return None
