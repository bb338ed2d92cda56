"""A helper process of the server that is started again when it ends by itself."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from ..console import say
from .session import session_process

PAUSE_S = 1.0  # between two starts


@dataclass(kw_only=True)
class KeptProcess:
    """A process that `look` starts again; `is_serving` asks whether it does its work."""

    name: str
    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    is_serving: Callable[[], bool]
    output: TextIO | None = None
    """Takes what it writes; None: stderr."""
    sockets: Sequence[Path] = ()
    """Those that a killed one leaves. HAProxy would first give them other names, for which a full disk has no room."""
    _life: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _process: subprocess.Popen[str] | None = None
    _started_s: float = 0.0

    def start(self) -> None:
        """Start it, after what was left of the last one is gone."""
        self._life.close()
        for path in self.sockets:
            path.unlink(missing_ok=True)
        self._started_s = time.monotonic()
        self._process = self._life.enter_context(
            session_process(
                self.command, folder=self.folder, environment=self.environment, output=self.output or sys.stderr
            )
        )

    def look(self) -> None:
        """Start it again where it has ended; where that fails, the next look tries it again."""
        if self._process and self.has_ended and time.monotonic() - self._started_s > PAUSE_S:
            say(f"{self.name} ended by itself, exit code {self._process.returncode}: it is started again")
            try:
                self.start()
            except OSError as error:  # no file descriptor or process is left
                say(f"{self.name} could not be started: {error.strerror}")

    @property
    def why_not_ready(self) -> str | None:
        """Why it does not do its work; None where it does."""
        return None if not self.has_ended and self.is_serving() else f"{self.name} is not running"

    @property
    def pid(self) -> int | None:
        """Its process; None before the first start."""
        return self._process.pid if self._process else None

    @property
    def has_ended(self) -> bool:
        """Whether it does not run."""
        return self._process is None or self._process.poll() is not None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens where it has ended."""
        if self._process and not self.has_ended:
            self._process.send_signal(number)

    @contextlib.contextmanager
    def running(self) -> Iterator["KeptProcess"]:
        """Start it; at the end of the block it is killed, with all that it started."""
        try:
            self.start()
            yield self
        finally:
            self._life.close()
