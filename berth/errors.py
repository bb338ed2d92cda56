"""Every error of the command line, and the exit code that each one means.

BerthError              1  our failure
├── UsageError          2  the command was called wrongly
├── ServerUnreachable   3  no berth server answers at this address
└── Refused             4  an archive, a checkpoint or a machine that cannot be served, said before harm is done
"""

from typing import ClassVar


class BerthError(Exception):
    """An error whose message tells the user what was wrong, where, and what to do."""

    exit_code: ClassVar[int] = 1


class UsageError(BerthError):
    """The command was called wrongly."""

    exit_code = 2


class ServerUnreachable(BerthError):
    """No berth server answers at this address."""

    exit_code = 3


class Refused(BerthError):
    """An archive, a checkpoint or a machine that cannot be served."""

    exit_code = 4
