"""TorchServe's process and the fork server's: sessions that die with berth, and of which nothing is left."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from .server_log import ServerLog
from .wait import wait_until

# Waits for the end of a pipe that only berth holds: however berth ends, by SIGKILL too, the group is killed then.
# Nothing else would end a worker that hangs.
GUARD = ("/bin/sh", "-c", 'read -r group; read -r _; [ -z "$group" ] || kill -s KILL -- "-$group"')
LAST_LINES_S = 5.0
GONE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerProcess:
    """A running java, its log, and what forks its workers."""

    process: subprocess.Popen[str]
    log: ServerLog
    forks: subprocess.Popen[str] | None = None
    """None where each worker imports for itself."""

    @property
    def has_ended(self) -> bool:
        """java is gone, or what its workers live by."""
        return self.process.poll() is not None or (self.forks is not None and self.forks.poll() is not None)

    @property
    def end(self) -> str:
        """What has ended, for a sentence; an exit code is negative for the number of the signal that killed it."""
        name, code = "TorchServe", self.process.returncode
        if code is None and self.forks is not None:
            name, code = "the process that forks the workers", self.forks.returncode
        where = "perhaps by the kernel, because memory ran out" if code == -signal.SIGKILL else "its log is above"
        return f"{name} ended by itself, exit code {code}; {where}"

    def terminate(self) -> None:
        """Ask java to stop, once: a second SIGTERM changes nothing for it."""
        self.process.terminate()


@contextlib.contextmanager
def server_process(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str], forks: subprocess.Popen[str] | None = None
) -> Iterator[ServerProcess]:
    """Start java in `folder`; at the end, whatever happened, kill what is left of its session."""
    with (
        contextlib.ExitStack() as after,
        session_process(command, folder=folder, environment=environment, output=subprocess.PIPE) as process,
    ):
        assert process.stdout is not None  # it is a pipe
        log = ServerLog(process.stdout)
        after.callback(log.close, LAST_LINES_S)
        yield ServerProcess(process=process, log=log, forks=forks)


@contextlib.contextmanager
def session_process(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str], output: int | TextIO
) -> Iterator[subprocess.Popen[str]]:
    """Start a process that leads a session; however berth ends, all of it is killed. `output`: of both streams."""
    with _guard() as watch_over:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            watch_over(process.pid)
            yield process
        finally:
            _kill_session(process)


@contextlib.contextmanager
def _guard() -> Iterator[Callable[[int], None]]:
    """A function that tells the guard which group it guards."""
    with subprocess.Popen(
        GUARD,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as guard:
        try:
            yield lambda group: print(group, file=guard.stdin, flush=True)
        finally:
            guard.kill()  # before its pipe ends: nobody else may have the number of a group that is gone


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
    """Nobody is left. Orphans are ours to reap where berth is a container's first process."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-group, os.WNOHANG)
    return not _kill_group(group)
