"""One server at a time: started, asked until it answers, ended with every process below it."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil
import requests

from berth.wait import wait_until

from ..machine import REPOSITORY
from .environments import CannotRun

READY_S = 240.0  # torch's import and a model's load by every worker, on a machine that others use too
END_S = 20.0
LOG_BYTES = 600  # of its end, in the reason


@contextlib.contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], url: str, body: bytes) -> Iterator[str]:
    """The address `url` of the server that the command starts, once it answers `body`; CannotRun if it never does."""
    with tempfile.TemporaryDirectory(prefix="peer-", ignore_cleanup_errors=True) as folder:
        log_file, env = Path(folder, "log"), {**os.environ, **environment, "TMPDIR": folder}
        with log_file.open("wb") as log:
            process = subprocess.Popen(command, cwd=REPOSITORY, env=env, stdout=log, stderr=log, start_new_session=True)
        try:
            wait_until(lambda: process.poll() is not None or answers(url, body), READY_S)
            if process.poll() is not None or not answers(url, body):
                said = log_file.read_text("utf-8", "replace")[-LOG_BYTES:]
                raise CannotRun(f"gave no answer within {READY_S:.0f} s of its start; its last words: {said}")
            yield url
        finally:
            end(process)


def answers(url: str, body: bytes) -> bool:
    """Whether a request is answered well."""
    with contextlib.suppress(requests.RequestException):
        answer = requests.post(url, body, headers={"Content-Type": "application/json"}, timeout=READY_S)
        return answer.status_code == 200
    return False


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask the server to end; kill what is left of it and of all that it has started."""
    below = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(END_S)
    for left in [each for each in below if each.is_running()]:
        with contextlib.suppress(psutil.NoSuchProcess):
            left.kill()
    process.kill()
    process.wait()
