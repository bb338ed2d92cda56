"""What a long piece of work tells about itself, to whoever shows it."""

from collections.abc import Callable
from typing import Protocol

Advance = Callable[[int], object]
"""Told how much was done since the last call: bytes, or other."""


def ignore(_value: object) -> None:
    """An Advance that nobody watches, a write that nobody reads."""


class Progress(Protocol):
    """What a long piece of work tells about itself."""

    def begin(self, what: str, total: int | None = None) -> Advance:
        """The next step has begun; where its total is known, the Advance takes what is done of it, bytes or other."""


class Silence:
    """A Progress that nobody watches."""

    def begin(self, what: str, total: int | None = None) -> Advance:
        return ignore
