"""A fork of the real fork server, imports and all, and which device files a process holds."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from berth.machine.forking import WORKER_PYTHON
from berth.serve.forks import started_fork_server
from berth.wait import wait_until
from berth.workers.environment import server_environment
from berth.workers.fork_protocol import ADDRESS_VARIABLE, SOCKET

PATIENCE_S = 30.0
SCRIPT = "import os, sys\n{statement}\nprint(os.getpid(), flush=True)\nsys.stdin.read()\n"


@dataclass(frozen=True, kw_only=True)
class Forked:
    """A fork that has run its statement and waits, and the process that it was forked from."""

    fork_pid: int
    server_pid: int


@contextmanager
def forked(statement: str) -> Iterator[Forked]:
    """Fork what runs `statement`, as a worker of `berth serve` is forked."""
    with tempfile.TemporaryDirectory(prefix="bt-") as name:  # a short path: a socket lies in it
        folder = Path(name)
        script = folder / "model_service_worker.py"
        script.write_text(SCRIPT.format(statement=statement))
        environment = server_environment({}, folder) | {ADDRESS_VARIABLE: str(folder / SOCKET)}
        with started_fork_server(folder, {}) as server:
            assert wait_until((folder / SOCKET).exists, PATIENCE_S)
            with subprocess.Popen(
                [WORKER_PYTHON, script], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as process:
                assert process.stdout is not None
                yield Forked(fork_pid=int(process.stdout.readline()), server_pid=server.pid)


def held_files(pid: int, beginning: str) -> set[str]:
    """The files whose path begins so that a process has open, or has mapped."""
    proc = Path("/proc", str(pid))
    opened = {str(link.readlink()) for link in (proc / "fd").iterdir() if link.is_symlink()}
    mapped = {line.split(maxsplit=5)[5] for line in (proc / "maps").read_text().splitlines() if "/" in line}
    return {path for path in opened | mapped if path.startswith(beginning)}
