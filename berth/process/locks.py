"""Locks of folders by flock(2): they end with the process that has them, however it ends."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def folder_lock(folder: Path, kind: int) -> Iterator[None]:
    """Have a lock of a folder (LOCK_SH, LOCK_EX) until the end of the block; none on a file system without locks."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)
