"""One thing that a folder may need to be of today's form: whether it does, and what does it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """A pair of functions, in a file of its own."""

    applies: Callable[[Path], bool]
    """Whether the folder needs it; Refused when it does and cannot have it."""
    convert: Callable[[Path, Progress], str]
    """Does it in the folder; returns the sentence that says what was done."""
