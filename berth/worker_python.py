"""`berth-python`: the Python that TorchServe starts workers with. The fork server runs them; without one, Python does.

TorchServe's worker is this process: when it is killed, the fork server kills the fork; when the fork ends, it ends in
the same way.
"""

import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from .forking import ADDRESS_VARIABLE, STREAMS, Work, receive_number, send_work

NAME = "berth-python"
WORKER = "model_service_worker.py"


def worker_python() -> str:
    """Where it lies: beside Python, with the other commands; Python itself where it was not installed."""
    installed = Path(sys.executable).with_name(NAME)
    return str(installed if installed.exists() else sys.executable)


def main() -> NoReturn:
    """Takes what `python` takes."""
    arguments = sys.argv[1:]
    address = os.environ.get(ADDRESS_VARIABLE)
    if address and arguments and arguments[0].endswith(WORKER):
        with suppress(OSError, EOFError), socket.socket(socket.AF_UNIX) as connection:
            connection.connect(address)
            send_work(connection, Work(arguments, str(Path.cwd()), os.environ, STREAMS))
            _follow(receive_number(connection), connection)
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 - TorchServe's own


def _follow(pid: int, connection: socket.socket) -> NoReturn:
    """End as the fork does, and let it end when the fork server does."""
    try:
        code = receive_number(connection)
    except (OSError, EOFError):
        code = -signal.SIGKILL
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if code < 0:
        os.kill(os.getpid(), -code)
    os._exit(code)
