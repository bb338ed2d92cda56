"""What is said where the system starts no more processes."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import BerthError


@contextmanager
def starting(what: str) -> Iterator[None]:
    """Name the process that cannot be started, for want of memory, processes or open files; BerthError."""
    try:
        yield
    except OSError as error:
        raise BerthError(
            f"{what} cannot be started: {error.strerror or error}; end other programs, or raise what this one may have "
            "(`ulimit -a` lists it)"
        ) from error
