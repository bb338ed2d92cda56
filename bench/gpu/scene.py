"""What a part is given: where it runs, how much it may do, and where its figures go."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number."""

    name: str
    """Words separated by dots, the unit last: `starts.ready_s`."""
    value: float

    @property
    def unit(self) -> str:
        """What the number counts."""
        last = self.name.rpartition(".")[2]
        return next((unit for end, unit in UNITS.items() if last.endswith(end)), "")


UNITS = {
    "_per_s": "1/s",
    "_tflops": "TFLOP/s",
    "_mib": "MiB",
    "_ms": "ms",
    "_s": "s",
    "_ratio": "ratio",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One part's surroundings."""

    device: str
    """cuda or cpu."""
    is_small: bool
    """Whether a small model and seconds are enough: this tries the part itself, and its figures say nothing."""
    folder: Path
    """Empty, and the part's own."""
    notes: Path
    """Where figures are written, each at once: they are kept if the part fails later."""

    def note(self, name: str, value: float) -> None:
        """Keep a figure."""
        self._write({"name": name, "value": float(value)})
        print(f"  {name} = {value:,.4g}", file=sys.stderr, flush=True)

    def fail(self, reason: str) -> None:
        """Keep what went wrong, and go on."""
        self._write({"failure": reason})
        print(f"  FAILED {reason}", file=sys.stderr, flush=True)

    def skip(self, reason: str) -> None:
        """Keep what could not be tried here, and why."""
        self._write({"skipped": reason})
        print(f"  skipped: {reason}", file=sys.stderr, flush=True)

    def _write(self, line: Mapping[str, object]) -> None:
        with self.notes.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def read_notes(notes: Path) -> Iterator[dict[str, Any]]:
    """What a part has kept; nothing where it ended before it kept anything."""
    if notes.is_file():
        yield from map(json.loads, notes.read_text("utf-8").splitlines())
