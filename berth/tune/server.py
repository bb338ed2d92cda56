"""`berth serve` with a split that is to be tried, as users start it, but for ports of its own."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from ..errors import BerthError
from ..front.keys import FILE_VARIABLE, KEYS_VARIABLE
from ..process.log_style import FORMAT_VARIABLE, LEVEL_VARIABLE
from ..process.session import session_process
from ..wait import wait_until
from .ports import free_ports, port_variables

READY_LINE = "berth: ready"
READY_S = 180.0
END_S = 30.0
TRIES = 3
"""How often it is started, each time with other ports, where somebody took one meanwhile."""
TAKEN = "cannot listen on "
"""How the server's own sentence about that begins (berth/serve/ports.py)."""
OPEN = {KEYS_VARIABLE, FILE_VARIABLE}
"""What is taken out of its environment: nobody but this process reaches it."""


@contextlib.contextmanager
def serving(archive: Path, config: Path, log: Path, environ: Mapping[str, str] = os.environ) -> Iterator[str]:
    """Serve an archive on free ports of this machine alone, and yield the inference URL once it is ready.

    `log` is written anew. BerthError has the server's own reason where it does not start. However this process ends,
    the server does.
    """
    with contextlib.ExitStack() as running:
        yield start_where_free(partial(_serving_once, archive, config, log, environ), running)


def start_where_free(start: Callable[[], contextlib.AbstractContextManager[str]], running: contextlib.ExitStack) -> str:
    """Enter what serves at ports of its own, once more where one was taken, and return its URL."""
    for _ in range(TRIES - 1):
        try:
            return running.enter_context(start())
        except BerthError as error:
            if not str(error).startswith(TAKEN):
                raise
    return running.enter_context(start())


@contextlib.contextmanager
def _serving_once(archive: Path, config: Path, log: Path, environ: Mapping[str, str]) -> Iterator[str]:
    ports = free_ports()
    command = [sys.executable, "-P", "-m", "berth", "serve", "--config", str(config), str(archive)]
    environment = {name: value for name, value in environ.items() if name not in OPEN} | {
        **port_variables(ports),
        "TS_GRPC_INFERENCE_ADDRESS": "127.0.0.1",
        FORMAT_VARIABLE: "text",
        LEVEL_VARIABLE: "info",
    }
    with (
        log.open("w+", encoding="utf-8") as file,
        session_process(command, folder=Path.cwd(), environment=environment, output=file) as process,
    ):
        try:
            _wait_until_ready(process, log)
            yield f"http://127.0.0.1:{ports['inference']}"
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):  # the session is killed after it
                process.wait(END_S)


def _wait_until_ready(process: subprocess.Popen[str], log: Path) -> None:
    wait_until(lambda: READY_LINE in _read(log) or process.poll() is not None, READY_S)
    text = _read(log)
    if READY_LINE not in text:
        said = [line.removeprefix("berth: ") for line in text.splitlines() if line.startswith("berth: ")]
        raise BerthError(said[-1] if said else "`berth serve` did not start")


def _read(log: Path) -> str:
    return log.read_text("utf-8", "replace")
