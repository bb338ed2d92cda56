"""The ways to wait for something: look, pause, look again, give up in time; or until a socket has something."""

import select
import socket
import time
from collections.abc import Callable

POLL_S = 0.1


def wait_until(predicate: Callable[[], bool], timeout_s: float, pause: Callable[[float], object] = time.sleep) -> bool:
    """Wait until the predicate is true; whether it was within `timeout_s` seconds. `pause` may return early."""
    deadline = time.monotonic() + timeout_s
    while not predicate():
        if time.monotonic() >= deadline:
            return False
        pause(POLL_S)
    return True


def is_readable(connection: socket.socket, timeout_s: float = 0.0) -> bool:
    """Whether a read would not wait, within so many seconds; also of a descriptor from 1024 on, as select() cannot."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(timeout_s * 1000))
