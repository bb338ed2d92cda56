"""Threads of the launcher: they keep no process alive, and where none is left that is an OSError, as of all else."""

import errno
import threading
from collections.abc import Callable


def start_thread(name: str, run: Callable[..., object], *arguments: object) -> threading.Thread:
    """Start a daemon thread; OSError (EAGAIN) where the machine has none left, which Python calls a RuntimeError."""
    thread = threading.Thread(target=run, args=arguments, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        raise OSError(errno.EAGAIN, str(error)) from error
    return thread
