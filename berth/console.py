"""What berth tells people beside its results: lines on stderr.

Nothing here raises where stderr is closed, its disk full, or its reader gone: what is done next matters more.
"""

import contextlib
import sys


def say(line: str) -> None:
    """Write one line, marked as berth's own."""
    pass_on(f"berth: {line}\n")


def pass_on(text: str) -> None:
    """Write text as it is."""
    if sys.stderr is not None:  # started with 2>&-
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)


def pass_on_bytes(line: bytes) -> None:
    """Write a line as it is, at once: a line of up to 4096 bytes is never mixed with another process's."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()
