"""How a server's log is written: which lines, and as text or as JSON.

Text of every level is as the processes wrote it, and nothing stands between. Else stderr becomes a pipe, and what goes
on is one line each: a JSON object, or the text where its level is asked for.
"""

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import BinaryIO, Self

from .line_pipe import line_pipe

LEVEL_VARIABLE = "BERTH_LOG_LEVEL"
FORMAT_VARIABLE = "BERTH_LOG_FORMAT"
TORCHSERVE_VARIABLE = "BERTH_TORCHSERVE_LEVEL"  # read by berth/serve/log4j2.xml
OWN = "berth: "
# As berth/serve/log4j2.xml has it; a worker's thread is W-9000-bert_1.0-stdout.
LINE = re.compile(r"(?P<date>\d{4}-\S+) +(?P<level>[A-Z]+) +(?P<thread>\S+) ?(?P<message>.*)")
LOADED = ("loaded ", "load_s=")  # what a worker prints at its start; all else that it prints is trouble
LOG4J = {"TRACE": "debug", "DEBUG": "debug", "INFO": "info", "WARN": "warning", "ERROR": "error", "FATAL": "error"}


class LogLevel(StrEnum):
    """From which level on a line is written."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    DEBUG = "debug"


class LogFormat(StrEnum):
    """What a line is."""

    TEXT = "text"
    JSON = "json"


LEVELS = tuple(LogLevel)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStyle:
    """What `berth serve` was asked for."""

    level: LogLevel = LogLevel.INFO
    format: LogFormat = LogFormat.TEXT

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """The style that `environment` has written."""
        level, form = environ.get(LEVEL_VARIABLE, "info"), environ.get(FORMAT_VARIABLE, "text")
        return cls(level=LogLevel(level), format=LogFormat(form))

    @property
    def environment(self) -> dict[str, str]:
        """What the server's processes are told."""
        frontend = "debug" if self.level is LogLevel.DEBUG else "warn"
        return {LEVEL_VARIABLE: self.level, FORMAT_VARIABLE: self.format, TORCHSERVE_VARIABLE: frontend}

    @property
    def is_as_written(self) -> bool:
        """Whether lines go on as they are."""
        return self.format is LogFormat.TEXT and self.level in (LogLevel.INFO, LogLevel.DEBUG)

    @property
    def has_access_log(self) -> bool:
        """Whether each request has a line, which is JSON."""
        return self.format is LogFormat.JSON and self.level in (LogLevel.INFO, LogLevel.DEBUG)

    def takes(self, level: str) -> bool:
        """Whether a line of this level is written."""
        return LEVELS.index(LogLevel(level)) <= LEVELS.index(self.level)


class LineWriter:
    """Writes the lines of one log; what has no level of its own has that of the line before."""

    def __init__(self, style: LogStyle) -> None:
        self._style = style
        self._level: str = LogLevel.INFO

    def write(self, line: str) -> str:
        """Return what is written for a line of any process, without its end; "" for nothing."""
        if line.startswith('{"') and self._style.format is LogFormat.JSON:  # HAProxy's: it is one already
            return line
        source, self._level, message = self._read(line)
        if not line or not self._style.takes(self._level):
            return ""
        if self._style.format is LogFormat.TEXT:
            return line
        time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return json.dumps({"time": time, "level": self._level, "source": source, "message": message})

    def _read(self, line: str) -> tuple[str, str, str]:
        """Source, level and message."""
        if line.startswith(OWN):
            return "berth", LogLevel.INFO, line.removeprefix(OWN)
        said = LINE.match(line)
        if not said:
            return "process", self._level, line
        if said["thread"].startswith("W-") and said["thread"].endswith(("-stdout", "-stderr")):
            level = LogLevel.INFO if said["message"].startswith(LOADED) else LogLevel.ERROR
            return said["thread"].rpartition("-")[0], level, said["message"]
        return "torchserve", LOG4J.get(said["level"], LogLevel.INFO), said["message"]


@contextlib.contextmanager
def written_as(style: LogStyle) -> Iterator[None]:
    """Write all that this process and its children say on stderr in this style, until the end of the block."""
    os.environ.update(style.environment)
    if style.is_as_written or sys.stderr is None:  # None: started with 2>&-
        yield
        return
    with _stderr() as real, line_pipe("log", partial(_pass_on, real, LineWriter(style))) as pipe:
        os.dup2(pipe.fileno(), 2)
        try:
            yield
        finally:
            _flush()
            os.dup2(real.fileno(), 2)  # now only an orphan may have the pipe still


@contextlib.contextmanager
def _stderr() -> Iterator[BinaryIO]:
    """What is stderr now; at the end its last lines may find no reader."""
    _flush()
    real = os.fdopen(os.dup(2), "wb")
    try:
        yield real
    finally:
        with contextlib.suppress(OSError):
            real.close()


def _flush() -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()


def _pass_on(real: BinaryIO, writer: LineWriter, line: bytes) -> None:
    written = writer.write(line.decode("utf-8", "replace").rstrip("\n"))
    if written:
        with contextlib.suppress(OSError, ValueError):  # nobody may read any more: go on draining
            real.write(f"{written}\n".encode())
            real.flush()
