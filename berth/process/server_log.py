"""What java and its workers print: passed on to stderr line by line, and searched for why a model cannot load.

It relies on the layout of lines in berth/serve/log4j2.xml: date, level, thread, message.
"""

import itertools
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import IO

from ..console import pass_on
from .threads import start_thread

KEPT_LINES = 400  # a traceback through torch and transformers, several times
# Printed at every start, and without meaning here: a fat jar without Multi-Release, a machine without a GPU, an archive
# that leaves the number of workers to config.properties.
NOISE = (
    "WARNING: sun.reflect.Reflection.getCallerClass",
    "nvidia-smi not available",
    "Invalid model config in mar",
)
# Each may come alone: a worker that is killed, a RuntimeError in the handler, a worker that is late.
LOAD_FAILURES = ("Load model failed: ", "Backend worker process died.", "Backend worker error")
# Of netty and of java itself, each without a stack: a client is gone, and nobody can do anything about it.
RESET = re.compile(r"\S*(NativeIoException|IOException): .*(Connection reset by peer|Broken pipe)")
NO_PROGRAM = "Cannot run program "  # java's IOException: no right to execute it, no more processes, no memory
LINE = re.compile(r"\d{4}-\S+ +[A-Z]+ +(?P<thread>\S+) (?P<message>.*)")


class ServerLog:
    """Drains the server's pipe in a thread, whatever becomes of stderr: a full pipe would block the server."""

    def __init__(self, pipe: IO[str]) -> None:
        self._pipe = pipe
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._thread = start_thread("server-log", self._drain)

    @property
    def lines(self) -> list[str]:
        """The last lines, oldest first."""
        return list(self._lines)

    @property
    def has_load_failure(self) -> bool:
        """Whether a worker died; before the server is ready that means that the model cannot be loaded."""
        return any(sign in line for line in self.lines for sign in LOAD_FAILURES)

    def wait(self, timeout_s: float) -> None:
        """Wait for the last line of a server that has ended."""
        self._thread.join(timeout_s)

    def close(self, timeout_s: float) -> None:
        """Wait for the last line of a server that has ended, and close the pipe."""
        self.wait(timeout_s)
        if not self._thread.is_alive():
            self._pipe.close()

    def _drain(self) -> None:
        for line in without_resets(self._pipe):
            if not any(noise in line for noise in NOISE):
                self._lines.append(line.rstrip("\n"))
                pass_on(line)


def without_resets(lines: Iterable[str]) -> Iterator[str]:
    """Leave out what java says of a client that hung up: a line without a message, and the exception after it."""
    held = ""
    for line in lines:
        if held and not RESET.match(line):
            yield held
        if not held or not RESET.match(line):
            said = LINE.match(line)
            held = line if said and not said["message"].strip() else ""
            if not held:
                yield line
        else:
            held = ""
    if held:
        yield held


def why_not_registered(lines: list[str], location: str) -> str | None:
    """Find why TorchServe does not have the model at `location`, in its own words; None where it has not said."""
    for line, exception in itertools.pairwise(lines):
        said = LINE.match(line)
        if said and said["thread"] == "main" and said["message"] == f"Failed to load model: {location}":
            return exception.partition(": ")[2] or exception
    return None


def why_no_worker(lines: list[str]) -> str:
    """Say why a worker ended without a traceback, or was never there."""
    no_program = (line.partition(NO_PROGRAM) for line in lines if NO_PROGRAM in line)
    failure = next((f"{NO_PROGRAM}{rest.strip()}" for _, _, rest in no_program), None)
    return failure or (
        "its worker ended without a traceback, because memory ran out or loading took longer than TorchServe waits; "
        "its log is above"
    )


def failure_reason(lines: list[str]) -> str | None:
    """Find the exception that ended a worker's first attempt to load; None until its traceback is complete."""
    records = [match.groupdict() for match in map(LINE.match, lines) if match]
    thread = next((record["thread"] for record in records if record["message"].startswith("Traceback ")), None)
    reason = None
    in_traceback = False
    for message in (record["message"] for record in records if record["thread"] == thread):
        # A handler that does not import is tried again as one of TorchServe's own, and that failure comes last; a
        # RuntimeError is reported twice, the second time without its message. The first failure is the handler's.
        if reason and message.startswith(("During handling of", "Backend worker process died")):
            break
        if message.startswith("Traceback "):
            in_traceback = True
        elif in_traceback and message and not message.startswith(" "):
            reason, in_traceback = message, False
    return reason
