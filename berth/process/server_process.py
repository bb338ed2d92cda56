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
HEAP_IS_FULL = "Terminating due to java.lang.OutOfMemoryError"  # java, as it is told to by berth/memory/jvm.py
INVALID = "Invalid configuration: "  # ModelServer.java, before it ends


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
        return f"{name} ended by itself, exit code {code}; {self._why(code)}"

    def _why(self, code: int | None) -> str:
        if code == -signal.SIGKILL:
            return "perhaps by the kernel, because memory ran out"
        self.log.wait(LAST_LINES_S)
        if any(line.startswith(HEAP_IS_FULL) for line in self.log.lines):
            return "its heap was full: leave -Xmx in vmargs to berth, or lower job_queue_size or max_request_size"
        invalid = next((line for line in self.log.lines if line.startswith(INVALID)), None)
        if invalid is None:
            return "its log is above"
        return f"{invalid}: look for it in config.properties and in the variables that begin with TS_"

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
