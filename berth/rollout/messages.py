"""What a command and the launcher say to each other: one order, then events until the last, each a line of JSON."""

import socket
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from ..errors import BerthError

MAX_GOLDEN_BYTES = 15 * 2**20
MAX_ORDER_BYTES = 16 * 2**20  # golden inputs among them


class Action(StrEnum):
    """What is to become of the archives that are served."""

    ROLLOUT = "rollout"
    """One takes the place of the served one with its name."""
    REGISTER = "register"
    """One more is served."""
    UNREGISTER = "unregister"
    """One is served no more."""
    TAKE = "take"
    """One is served, in the place of one with its name or beside all others."""
    ROLLBACK = "rollback"
    """Those are served that were before the last change."""
    DEFAULT = "default"
    """A served version answers who names none."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One change of what is served."""

    action: Action
    archive: str = ""
    """The path of a .mar or an unpacked folder, absolute: of what is to be served."""
    name: str = ""
    """The model that is to be served no more, all versions of NAME or one NAME/VERSION; or that of the default."""
    version: str = ""
    """The version that is to be the default."""
    golden: list[str | dict[str, Any]] = []
    """Inputs that both versions are asked; none: the known inputs of the archive."""
    observe_s: float = 0.0
    canary_percent: int = 0
    """How many of 100 requests the new version gets before it gets all; 0: none."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A step that is done, or the end."""

    step: str
    text: str
    """For people."""
    facts: dict[str, Any] = {}
    exit_code: int | None = None
    """Of the command, in the last event."""


def give_order(path: Path, order: Order) -> Iterator[Event]:
    """Yield what the launcher whose socket this is says of the order; a Ctrl-C calls it off, and what follows is told.

    BerthError where nobody listens there, or the launcher ends before the order does.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(str(path))
            connection.sendall(msgspec.json.encode(order) + b"\n")
            with connection.makefile("rb") as lines:
                while line := _read_line(connection, lines):
                    yield (event := msgspec.json.decode(line, type=Event))
                    if event.exit_code is not None:
                        return
        except (OSError, msgspec.DecodeError) as error:
            raise BerthError(f"the launcher does not take orders at {path}: {error}") from error
    raise BerthError("the launcher ended before it had done what it was told; its log says why")


def _read_line(connection: socket.socket, lines: BinaryIO) -> bytes:
    try:
        return lines.readline()
    except KeyboardInterrupt:
        connection.shutdown(socket.SHUT_WR)  # the launcher sees that nobody wants it any more
        return lines.readline()


def read_order(line: bytes) -> Order:
    """Read what a command sent; BerthError for anything else."""
    try:
        return msgspec.json.decode(line, type=Order)
    except msgspec.DecodeError as error:
        raise BerthError(f"this is not an order that this version of berth knows: {error}") from error
