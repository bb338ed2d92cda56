"""Every drill by its name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Drill:
    """One promise."""

    title: str
    run: Callable[[Path], Iterator[str]]
    """Works in an empty folder and yields the lines that it found; one that begins with FAILED is a broken promise."""


DRILLS: dict[str, Drill] = {}
