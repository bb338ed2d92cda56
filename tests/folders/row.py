"""One row: a kind of folder is made, packed, and asked beside the library that made it, or refused as it must be."""

import re
from dataclasses import dataclass
from pathlib import Path

from .asking import ask
from .kind import Kind, Numbers
from .packing import Packed, pack

REFUSED = 4
MAX_CELL = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What came of a kind; `wrong` is empty when it is what the kind promises."""

    name: str
    outcome: str
    exit_code: int
    seconds: float
    imported_torch: bool
    wrong: str

    def to_markdown(self) -> str:
        """The row of the table."""
        torch = "yes" if self.imported_torch else "no"
        cells = (self.name, self.outcome, str(self.exit_code), f"{self.seconds:.1f}", torch)
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def make_row(kind: Kind, work: Path) -> Row:
    """Make the folder in `work`, pack it and judge what came of it."""
    folder = work / "model"
    folder.mkdir(parents=True)
    address = kind.make(folder)
    packed = pack(address, kind.options, work / "store")
    outcome, wrong = _judge_answers(kind, packed, folder, work) if kind.expected else _judge_refusal(kind, packed)
    return Row(
        name=kind.name,
        outcome=outcome,
        exit_code=packed.exit_code,
        seconds=packed.seconds,
        imported_torch=packed.imported_torch,
        wrong=wrong,
    )


def _judge_answers(kind: Kind, packed: Packed, folder: Path, work: Path) -> tuple[str, str]:
    """The largest difference from the library's answers, and what is wrong with it."""
    assert kind.expected is not None
    if packed.archive is None:
        return f"refused: {_shown(packed.said)}", f"it must be packed, and was refused: {packed.said}"
    found, engine = ask(packed.archive, kind.inputs, work / "cache")
    difference = _largest_difference(found, kind.expected(folder, kind.inputs))
    wrong = "" if difference <= kind.tolerance else f"the difference is {difference:.2g}"
    return f"served, {engine}: {difference:.0e}", wrong


def _judge_refusal(kind: Kind, packed: Packed) -> tuple[str, str]:
    """The sentence, and what is wrong with how it was said."""
    faults = {
        f"exit code {packed.exit_code}": packed.exit_code != REFUSED,
        "a traceback": packed.has_traceback,
        "torch was imported, though files alone tell it": kind.from_files and packed.imported_torch,
        f"the sentence has no {kind.sentence!r}": re.search(kind.sentence, packed.said) is None,
    }
    wrong = "; ".join(fault for fault, is_there in faults.items() if is_there)
    return f"refused: {_shown(packed.said)}", f"{wrong}: {packed.said}" if wrong else ""


def _largest_difference(found: Numbers, expected: Numbers) -> float:
    """The largest difference of two numbers; infinite where there are more of one than of the other."""
    if [len(numbers) for numbers in found] != [len(numbers) for numbers in expected]:
        return float("inf")
    pairs = zip(found, expected, strict=True)
    return max(abs(one - other) for numbers, others in pairs for one, other in zip(numbers, others, strict=True))


def _shown(said: str) -> str:
    """The beginning of a sentence, without the temporary folder's path."""
    words = re.sub(r"/\S*?/model\b", "FOLDER", said)
    words = re.sub(r"/\S*?/berth-(hub|folders)-[^/]+", "TMP", words)
    return words if len(words) <= MAX_CELL else f"{words[:MAX_CELL].rstrip()} ..."
