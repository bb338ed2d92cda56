"""One kind of folder that people bring, and what `berth pack` must make of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TEXTS = (
    "The ship lies in the harbour until the tide turns.",
    "Short",
    "",
    "Der Zug nach Köln fährt um 12:45 Uhr, 80 % der Plätze sind belegt; 船停在港口里 🚢",
    "one two three four five six seven eight nine ten " * 12,
)
Numbers = list[list[float]]
"""A list of numbers for each text: a vector, or the scores of all labels in the order of config.json."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A row of the table: either `expected` or `sentence` is given."""

    name: str
    """What it is, in words: `Trainer folder with a LoRA adapter`."""
    make: Callable[[Path], str]
    """Writes it into an empty folder, by the library that people make it with; returns what `berth pack` is given."""
    options: tuple[str, ...] = ()
    """Further options of `berth pack`."""
    inputs: Sequence[object] = TEXTS
    """What is asked of it: texts, or objects as the task takes them."""
    expected: Callable[[Path, Sequence[Any]], Numbers] | None = None
    """What the library that made it answers to the inputs; given the folder. None: it is refused."""
    tolerance: float = 1e-5
    """The largest difference of a number that is right."""
    sentence: str = ""
    """A regular expression that is found in the refusal."""
    from_files: bool = True
    """Whether files alone tell that it is refused, so that no torch is imported."""
