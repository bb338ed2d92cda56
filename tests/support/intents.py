"""A real classifier: examples/intents, trained as a reader of its README would."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "intents"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A run of train.py: the checkpoint's folder, and what was printed."""

    folder: Path
    printed: str


def train_intents(folder: Path) -> Trained:
    """Train a checkpoint into `folder`: a minute of one core."""
    command = [sys.executable, str(EXAMPLE / "train.py"), "--output", str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return Trained(folder=folder, printed=ran.stdout)


def read(name: str) -> list[tuple[str, str]]:
    """(label, text) of each line of train.tsv or test.tsv."""
    header, *lines = (EXAMPLE / name).read_text("utf-8").splitlines()
    assert header == "label\ttext"
    pairs = [tuple(line.split("\t")) for line in lines]
    return [(label, text) for label, text in pairs]
