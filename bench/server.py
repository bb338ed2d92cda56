"""Runs `berth serve`, as a user would start it, for as long as a measurement takes."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from berth.errors import BerthError
from berth.settings import Settings, find_config
from berth.wait import wait_until

READY_LINES = ("berth: ready", '"message": "ready: ')  # as text and as JSON
READY_S = 120.0
END_S = 30.0
LOG_LINES = 20


@contextlib.contextmanager
def served(archive: Path, cache: Path, environ: Mapping[str, str] = os.environ) -> Iterator[str]:
    """The address of the archive's predictions, once it is ready; a BerthError has the log's last lines.

    The ports are those of config.properties, unless `environ` names others: a server that already runs would share the
    cores, and is an error here.
    """
    inference = Settings.load(find_config(None), environ).inference
    command = [str(Path(sys.executable).with_name("berth")), "serve", str(archive)]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(command, stderr=log, stdout=log, env={**environ, "XDG_CACHE_HOME": str(cache)})
        try:
            wait_until(lambda: _is_ready(log.fileno()) or process.poll() is not None, READY_S)
            if not _is_ready(log.fileno()):
                what = (
                    f"was not ready within {READY_S:.0f} s" if process.poll() is None else "ended before it was ready"
                )
                raise BerthError(f"`berth serve` {what}")
            yield f"{inference.url}/predictions/{archive.stem}"
        except BerthError as error:
            tail = "\n".join(_read(log.fileno()).splitlines()[-LOG_LINES:])
            raise BerthError(f"{archive.name}: {error}; the server's last lines:\n{tail}") from error
        finally:
            end_process(process)


def _is_ready(log: int) -> bool:
    return any(line in _read(log) for line in READY_LINES)


def _read(descriptor: int) -> str:
    """The whole log, read without moving the place where the server writes."""
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode(errors="replace")


def end_process(process: subprocess.Popen[bytes]) -> None:
    """Ask a launcher to end, and kill it if it does not."""
    process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()  # java dies with it
        process.wait()
        raise
