"""How a long piece of work reports to whoever shows it."""

from collections.abc import Callable
from typing import Protocol

Advance = Callable[[int], object]
"""Takes how much was done since the last call, in bytes or another unit."""


def ignore(_value: object) -> None:
    """Do nothing: an Advance that nobody watches, or a write that nobody reads."""


class Progress(Protocol):
    """Whoever is told how a long piece of work goes on."""

    def begin(self, what: str, total: int | None = None) -> Advance:
        """Begin the next step; if its total is known, the Advance takes what is done of it, in the same unit."""


class Silence:
    """A Progress that nobody watches."""

    def begin(self, what: str, total: int | None = None) -> Advance:
        return ignore


class Counted:
    """Passes on how much of one piece is done, and knows the sum."""

    def __init__(self, advance: Advance) -> None:
        self.done = 0
        self._advance = advance

    def add(self, done: int) -> None:
        """Count so much more; less than 0 where a part begins anew."""
        self.done += done
        self._advance(done)
