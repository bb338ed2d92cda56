"""Whether one process imports torch and transformers for all workers, and forks them."""

import os
import sys
from pathlib import Path

from .limits import MemoryLimit
from .quantities import MIB, format_bytes

IMPORTS_BYTES = 300 * MIB  # what all forks share, and the mapped files of torch and java
WORKER_PYTHON = Path(sys.executable).with_name("berth-python")


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
