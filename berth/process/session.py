"""A process that leads its own session, of which nothing is left, however berth ends."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from ..wait import wait_until

# It waits for the end of a pipe that only berth holds open: however berth ends, even by SIGKILL, the group is killed.
# Nothing else would end a worker that hangs.
GUARD = ("/bin/sh", "-c", 'read -r group; read -r _; [ -z "$group" ] || kill -s KILL -- "-$group"')
GONE_S = 5.0


@contextlib.contextmanager
def session_process(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str], output: int | TextIO
) -> Iterator[subprocess.Popen[str]]:
    """Start a process that leads a session, all of which is killed at the end; `output` takes both its streams."""
    with _guard() as watch_over:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            encoding="utf-8",  # theirs, whatever berth's locale is
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
    """Start the guard; yields a function that tells it which group it guards."""
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
            guard.kill()  # before its pipe ends: somebody else may soon have the number of a group that is gone


def _kill_session(process: subprocess.Popen[str]) -> None:
    _kill_group(process.pid)
    process.wait()
    wait_until(lambda: _is_gone(process.pid), GONE_S)


def _kill_group(group: int) -> bool:
    """Send SIGKILL to a group; whether there was anybody to get it."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _is_gone(group: int) -> bool:
    """Whether nobody is left in a group. Where berth is a container's first process, orphans are ours to reap."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-group, os.WNOHANG)
    return not _kill_group(group)
