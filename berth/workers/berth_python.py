"""`berth-python`: the Python that TorchServe starts workers with, where the fork server runs them.

TorchServe takes this process for its worker: when it is killed, the fork server kills the fork; when the fork ends, or
the fork server, it ends in the same way. Any other program than a worker is run by Python itself.
"""

import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from .fork_protocol import (
    ADDRESS_VARIABLE,
    RENEWED,
    STREAMS,
    VISIBLE_GPUS,
    WORKER_GPUS,
    Work,
    receive_number,
    send_work,
)

WORKER_SCRIPT = "model_service_worker.py"


def main() -> NoReturn:
    """Run what `python` would run with these arguments."""
    if WORKER_GPUS in os.environ:
        os.environ[VISIBLE_GPUS] = os.environ.pop(WORKER_GPUS)
    arguments = sys.argv[1:]
    address = os.environ.get(ADDRESS_VARIABLE)
    if address and arguments and arguments[0].endswith(WORKER_SCRIPT):
        _be_forked(arguments, address)
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 - the arguments are TorchServe's


def _be_forked(arguments: list[str], address: str) -> NoReturn:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(address)
            send_work(connection, Work(arguments, str(Path.cwd()), os.environ, STREAMS))
            _follow(receive_number(connection), connection)
    except (OSError, EOFError) as error:
        sys.exit(f"berth: no worker was forked: {error or 'the fork server has ended'}; berth's log says why")


def _follow(pid: int, connection: socket.socket) -> NoReturn:
    """End as the fork does, or the last that took its place; kill it when the fork server is gone."""
    try:
        while (code := receive_number(connection)) == RENEWED:
            pid = receive_number(connection)
    except (OSError, EOFError):
        code = -signal.SIGKILL
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if code < 0:
        os.kill(os.getpid(), -code)
    os._exit(code if code >= 0 else 128 - code)  # as a shell counts a signal; this one did not kill
