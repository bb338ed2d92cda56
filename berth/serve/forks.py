"""The process that forks a server's workers."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..process.session import session_process
from ..workers.environment import server_environment
from ..workers.fork_protocol import SOCKET


@contextlib.contextmanager
def started_fork_server(folder: Path, environ: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Start berth.workers.fork_server, whose imports begin at once; it and all its forks end with the context."""
    command = [sys.executable, "-P", "-m", "berth.workers.fork_server", str(folder / SOCKET)]
    environment = server_environment(environ, folder)
    with session_process(command, folder=folder, environment=environment, output=sys.stderr) as process:
        yield process
