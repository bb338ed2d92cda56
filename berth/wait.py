"""The one way to wait for something: look, pause, look again, give up in time."""

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
