"""A worker that has taken more memory than it may gets another fork in its place, before the kernel kills it.

That happens between two batches, and the new fork has the same connection to java: what java sends meanwhile waits in
it, so that no request is lost. A worker that ends by itself would take along the batch that java has just taken from
the queue for it.
"""

import ctypes
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from ..console import say
from .fork_protocol import ADDRESS_VARIABLE, GRANTED, STREAMS, Work, receive_number, send_work

LIMITS_VARIABLE = "BERTH_WORKER_BYTES"
"""Its value is JSON: by the name of each model, the bytes that a worker of it may take."""
LOOK_S = 1.0  # a look takes 10 us
TRIM_BYTES = 64 << 20
"""By so much a worker grows before it gives back what is free: batches of every size leave holes in its heap."""
AGAIN_S = 60.0  # after a fork that was refused
GROWTH = 1.25  # of what a worker has once it has loaded: it may have that, whatever was counted
LOAD = b"L"  # TorchServe's command
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

Message = tuple[bytes, Any]


def renew_when_too_large(work: Work) -> None:
    """Have TorchServe's worker, which is to run in this process, look at its memory before it reads each message."""
    limits = json.loads(work.environment.get(LIMITS_VARIABLE, "{}"))
    if not limits:
        return
    from ts.protocol import otf_message_handler as protocol  # noqa: PLC0415 - the fork server has imported it

    if work.load is not None:
        connection = Resumed(fileno=work.files[-1])
        socket.socket.accept = lambda _: (connection, "")  # type: ignore[method-assign,assignment]
    protocol.retrieve_msg = Renewal(protocol.retrieve_msg, limits, work)


def private_bytes() -> int:
    """Bytes that this process has beside mapped files, what it was forked with included."""
    _, resident, shared, *_ = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return (int(resident) - int(shared)) * PAGE_BYTES


def trim_heap() -> None:
    """Give pages back that malloc holds between pieces in use (malloc_trim(3), glibc): milliseconds."""
    ctypes.CDLL(None).malloc_trim(0)


class Resumed(socket.socket):
    """The connection to java of a renewed worker: that it has loaded was said by the one before it."""

    _has_loaded = False

    def sendall(self, *sent: Any) -> None:
        """Send all but the first answer, which is to the request to load."""
        if self._has_loaded:
            super().sendall(*sent)
        self._has_loaded = True


class Renewal:
    """Stands in the place of TorchServe's function that reads a message."""

    def __init__(self, retrieve: Callable[[socket.socket], Message], limits: Mapping[str, int], work: Work) -> None:
        self._retrieve = retrieve
        self._limits = limits
        self._work = work
        self._load = work.load
        self._pending = work.load
        """What a renewed worker has yet to load."""
        self._loaded_bytes: int | None = None
        """What it has before its first request."""
        self._trimmed_bytes = 0
        """What it had once its heap was trimmed."""
        self._next_look_s = 0.0

    def __call__(self, connection: socket.socket) -> Message:
        """The next message; of a renewed worker the first is what its former self was asked to load."""
        if self._pending is not None:
            load, self._pending = self._pending, None
            return LOAD, {name: _to_bytes(value) for name, value in load.items()}
        if self._load is not None and time.monotonic() >= self._next_look_s:
            self._look(connection, self._load)
        command, message = self._retrieve(connection)
        if command == LOAD:
            self._load = {name: _to_text(value) for name, value in message.items()}
        return command, message

    def _look(self, connection: socket.socket, load: Mapping[str, object]) -> None:
        """Renew this worker if it is too large, which does not return."""
        self._next_look_s = time.monotonic() + LOOK_S
        name, taken = str(load["modelName"]), private_bytes()
        if self._loaded_bytes is None:  # one that is too large now would be no smaller for a renewal
            self._loaded_bytes = self._trimmed_bytes = taken
        if taken - self._trimmed_bytes >= TRIM_BYTES:
            trim_heap()
            taken = self._trimmed_bytes = private_bytes()
        limit = max(self._limits.get(name, taken), int(self._loaded_bytes * GROWTH))
        if taken <= limit:
            return
        if self._is_granted(connection, load):
            _end(f"a worker of {name} has {taken >> 20} MiB and may have {limit >> 20}: it is renewed")
        self._next_look_s += AGAIN_S

    def _is_granted(self, connection: socket.socket, load: Mapping[str, object]) -> bool:
        work = self._work._replace(files=(*STREAMS, connection.fileno()), load=load)
        with suppress(OSError, EOFError), socket.socket(socket.AF_UNIX) as asked:
            asked.connect(self._work.environment[ADDRESS_VARIABLE])
            send_work(asked, work)
            return receive_number(asked) == GRANTED
        return False


def _end(line: str) -> NoReturn:
    """End at once, whatever becomes of the line."""
    try:
        say(line)
        sys.stdout.flush()
    finally:
        os._exit(0)


def _to_text(value: object) -> object:
    return value.decode() if isinstance(value, bytes | bytearray) else value


def _to_bytes(value: object) -> object:
    return value.encode() if isinstance(value, str) else value
