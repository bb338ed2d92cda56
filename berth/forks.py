"""Whether a server's workers are forked, and the process that forks them."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from .forking import SOCKET
from .gpu import VARIABLE, has_driver
from .machine import MIB, format_bytes, memory_limit
from .server_process import session_process
from .worker_environment import server_environment

WORKER_PYTHON = Path(sys.executable).with_name("berth-python")
IMPORTS_BYTES = 300 * MIB
"""What all forks share, and the mapped files of torch and java."""


def why_not_forked(environ: Mapping[str, str]) -> str | None:
    """Why each worker has to import for itself; None where it need not."""
    if environ.get(VARIABLE) != "cpu" and has_driver(environ):
        return "a driver's nvidia-smi is there, and forks have not been tried on a GPU"
    if not WORKER_PYTHON.exists():
        return f"{WORKER_PYTHON} is missing: install berth again"
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (OSError, AttributeError):
        return "this kernel has no pidfd_open"
    limit = memory_limit()
    if limit.bytes < 2 * IMPORTS_BYTES:
        return f"{limit.source} grants {format_bytes(limit.bytes)}"
    return None


@contextlib.contextmanager
def started_fork_server(folder: Path, environ: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Its imports begin at once (fork_server.py); it and all its forks end with the context."""
    command = [sys.executable, "-P", "-m", "berth.fork_server", str(folder / SOCKET)]
    environment = server_environment(environ, folder)
    with session_process(command, folder=folder, environment=environment, output=sys.stderr) as process:
        yield process
