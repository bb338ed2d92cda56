"""What passes through the stages of Ray Data: a claim, and what became of it, each a row with bytes in one column."""

from typing import Any

import msgspec
import pyarrow as pa

from ..messages import Done, Failed, Placed, Work

COLUMN = "item"


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A claim on its way to an actor, or why there is none behind the last."""

    placed: Placed | None = None
    work: Work | None = None
    failed: Failed | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What an actor made of an item."""

    said: Done | Failed
    placed: Placed | None = None
    file: str = ""
    """Where the part was written, by a name of its own."""


def to_table(item: Item | Outcome) -> Any:
    """A block with one row."""
    return pa.table({COLUMN: pa.array([msgspec.msgpack.encode(item)], pa.large_binary())})


def read_items(table: Any) -> list[Item]:
    """The claims of a block."""
    return [msgspec.msgpack.decode(each, type=Item) for each in table[COLUMN].to_pylist()]


def read_outcomes(table: Any) -> list[Outcome]:
    """What became of those of a block."""
    return [msgspec.msgpack.decode(each, type=Outcome) for each in table[COLUMN].to_pylist()]
