"""Prices, each with the place and the day where it was read (prices.json)."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("prices.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What something costs, in US dollars."""

    name: str
    dollars: float
    unit: str
    """Per what: an hour, 1 M tokens."""
    source: str
    read: str
    """The day of the source, as far as it says one."""


@cache
def prices(kind: str) -> tuple[Price, ...]:
    """All of `machines` or `hosted`, in the file's order."""
    found: list[dict[str, Any]] = json.loads(FILE.read_text("utf-8"))[kind]
    return tuple(Price(**entry) for entry in found)


def machine(name: str) -> Price:
    """What an hour of a machine type costs."""
    (found,) = [price for price in prices("machines") if price.name == name]
    return found
