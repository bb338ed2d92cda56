"""TorchServe's process: a session of its own that dies with berth, and of which nothing is left."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .server_log import ServerLog
from .wait import wait_until

PR_SET_PDEATHSIG = 1  # linux/prctl.h
LAST_LINES_S = 5.0
GONE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerProcess:
    """A running java and its log."""

    process: subprocess.Popen[str]
    log: ServerLog

    @property
    def has_ended(self) -> bool:
        """java is gone; its exit code is known."""
        return self.process.poll() is not None

    @property
    def exit_code(self) -> int | None:
        """java's; negative for the number of the signal that killed it."""
        return self.process.returncode

    def terminate(self) -> None:
        """Ask java to stop, once: a second SIGTERM changes nothing for it."""
        self.process.terminate()


@contextlib.contextmanager
def server_process(command: list[str], *, folder: Path, environment: Mapping[str, str]) -> Iterator[ServerProcess]:
    """Start java in `folder`; at the end, whatever happened, kill what is left of its session."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        preexec_fn=_die_with_parent(),  # noqa: PLW1509 - no other thread runs yet
    )
    assert process.stdout is not None  # it is a pipe
    log = ServerLog(process.stdout)
    try:
        yield ServerProcess(process=process, log=log)
    finally:
        _kill_session(process)
        log.close(LAST_LINES_S)


def _kill_session(process: subprocess.Popen[str]) -> None:
    _kill_group(process.pid)
    process.wait()
    wait_until(lambda: _is_gone(process.pid), GONE_S)


def _kill_group(group: int) -> bool:
    """SIGKILL; whether there was anybody to get it."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _is_gone(group: int) -> bool:
    """Nobody is left. Java's orphans are ours to reap where berth is a container's first process."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-group, os.WNOHANG)
    return not _kill_group(group)


def _die_with_parent() -> Callable[[], None] | None:
    """What the child runs before java so that a SIGKILL of berth leaves no server behind; Linux has it."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)  # loaded here: between fork and exec as little as possible may happen
    parent = os.getpid()

    def ask_kernel() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return ask_kernel
