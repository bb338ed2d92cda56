"""A pipe for what processes write, of which a thread passes on whole lines: nobody else's lands inside one."""

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import BinaryIO, TextIO

from .threads import start_thread

LAST_LINES_S = 5.0  # at the end: an orphan that holds the pipe open keeps nobody


@contextlib.contextmanager
def line_pipe(name: str, pass_on: Callable[[bytes], None]) -> Iterator[TextIO]:
    """Yield the end that is written to; the thread `name` hands on each line, with its line feed.

    At the end of the block it is closed, and the last lines are waited for, for LAST_LINES_S seconds. OSError where no
    descriptor or thread is left.
    """
    ours, theirs = os.pipe()
    pipe, output = os.fdopen(ours, "rb"), os.fdopen(theirs, "w")
    try:
        thread = start_thread(name, _read_lines, pipe, pass_on)
    except OSError:
        pipe.close()
        output.close()
        raise
    try:
        with output:
            yield output
    finally:
        thread.join(LAST_LINES_S)


def _read_lines(pipe: BinaryIO, pass_on: Callable[[bytes], None]) -> None:
    with pipe:
        for line in pipe:
            pass_on(line)
