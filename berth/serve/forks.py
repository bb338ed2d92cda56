"""Whether a server's workers are forked, and the process that forks them."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..machine.gpu import DEVICE_VARIABLE, has_driver
from ..machine.limits import memory_limit
from ..machine.quantities import format_bytes
from ..memory.budget import IMPORTS_BYTES
from ..process.session import session_process
from ..workers.environment import server_environment
from ..workers.fork_protocol import SOCKET

WORKER_PYTHON = Path(sys.executable).with_name("berth-python")


def why_not_forked(environ: Mapping[str, str]) -> str | None:
    """Why each worker has to import for itself; None where it need not."""
    if environ.get(DEVICE_VARIABLE) != "cpu" and has_driver(environ):
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
    command = [sys.executable, "-P", "-m", "berth.workers.fork_server", str(folder / SOCKET)]
    environment = server_environment(environ, folder)
    with session_process(command, folder=folder, environment=environment, output=sys.stderr) as process:
        yield process
