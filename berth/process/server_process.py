"""TorchServe's process, its log, and the process that forks its workers."""

import contextlib
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .server_log import ServerLog
from .session import session_process

LAST_LINES_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerProcess:
    """A running java, its log, and the process that forks its workers."""

    process: subprocess.Popen[str]
    log: ServerLog
    forks: subprocess.Popen[str] | None = None
    """None where each worker imports for itself."""

    @property
    def has_ended(self) -> bool:
        """Whether java is gone, or the process that its workers live by."""
        return self.process.poll() is not None or (self.forks is not None and self.forks.poll() is not None)

    @property
    def end(self) -> str:
        """Say what has ended; a negative exit code is the number of the signal that killed it."""
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
