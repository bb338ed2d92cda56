"""Every error of the command line and the clients, and its exit code; and the one warning.

BerthError              1  our failure
├── RequestFailed       1  the server answered with an error
├── ConnectionBroken    1  the connection ended before the answer came
├── UsageError          2  the command was called wrongly
├── ServerUnreachable   3  no berth server answers at this address
└── Refused             4  an archive, a checkpoint or a machine that cannot be served, said before anything starts
    └── NoMemory        4  the same, for memory that others hold and may give back
"""

from typing import ClassVar

INTERRUPTED = 130
"""The exit code after Ctrl-C: 128 + SIGINT, as a shell counts it."""


class BerthError(Exception):
    """An error whose message tells the user what was wrong, where, and what to do."""

    exit_code: ClassVar[int] = 1


class RequestFailed(BerthError):
    """The server answered with an error: `param` is a JSON pointer to what its message is about."""

    def __init__(self, message: str, *, code: int, type: str, param: str | None = None) -> None:  # noqa: A002 - as sent
        where = f" at {param}" if param else ""
        super().__init__(f"the server answered {code}{where}: {message}")
        self.code = code
        self.type = type
        self.message = message
        self.param = param


class ConnectionBroken(BerthError):
    """The connection ended before the answer came."""


class UsageError(BerthError):
    """The command was called wrongly."""

    exit_code = 2


class ServerUnreachable(BerthError):
    """No berth server answers at this address."""

    exit_code = 3


class Refused(BerthError):
    """An archive, a checkpoint or a machine that cannot be served."""

    exit_code = 4


class NoMemory(Refused):
    """Memory does not hold it now."""


class TruncationWarning(UserWarning):
    """Inputs were longer than the model takes, and only a part of each was read."""
