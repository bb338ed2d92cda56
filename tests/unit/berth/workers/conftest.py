"""The fork server without its imports, which take seconds."""

import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from berth.wait import wait_until

PATIENCE_S = 30.0
# {} is for what a test changes.
SERVER = "import os; import berth.workers.fork_server as program; program.preload = lambda: None; {}; program.main()"


@pytest.fixture
def address() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bt-") as folder:  # a short path: it is a socket's
        yield Path(folder, "forks")


@pytest.fixture
def server(address: Path, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    program = SERVER.format(getattr(request, "param", "pass"))
    command = [sys.executable, "-c", program, str(address)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert wait_until(lambda: hangs_up(address), PATIENCE_S)
            yield process
        finally:
            process.kill()


def hangs_up(address: Path) -> bool:
    """Whether the fork server is where it waits for work: it hears out somebody who has none."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as nobody:
        nobody.settimeout(PATIENCE_S)
        nobody.connect(str(address))
        nobody.shutdown(socket.SHUT_WR)
        return nobody.recv(1) == b""
    return False
