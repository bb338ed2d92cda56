"""GLiClass models, what is asked of them, and what the package gliclass (0.1.21) answers.

`python -m tests.support.references.gliclass_models PYTHON` asks it again; PYTHON is of an environment that has it.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.support.checkpoints.gliclass import make_gliclass

ANSWERS = Path(__file__).with_name("gliclass_answers.json")
PROGRAM = Path(__file__).with_name("gliclass_answers.py")
LABELS = ["travel", "a sport of many words, and signs: 東京", "politics"]
SHORT = "One day I will see the world!"
SCRIPTS = "Größe, naïveté, 東京タワー, Привет мир, שלום 🚢👩🔬 x"
LONG = " ".join(f"{SHORT} Number {number} is near {SCRIPTS}." for number in range(60))
Case = tuple[str, list[str], bool]
"""A text, its labels, and whether each is scored on its own."""
CASES: list[Case] = [
    *((text, LABELS, False) for text in (SHORT, SCRIPTS, "", " \n", " A", "!")),
    *((text, LABELS, True) for text in (SHORT, SCRIPTS, LONG)),
    (SHORT, ["travel"], True),
    (SHORT, [f"label {number}" for number in range(40)], True),
    (SHORT, [" spaces ", "Dreams", "dreams"], True),
    (f"{SHORT}<<SEP>>behind", LABELS, True),
    (LONG, ["travel", "politics"], False),
]
MODELS: dict[str, dict[str, Any]] = {
    "deberta": {"pickled": True},
    "bert": {
        "architecture": "bert",
        "scorer_type": "weighted-dot",
        "pooling_strategy": "avg",
        "class_token_pooling": "average",
        "normalize_features": True,
        "scale": 4,
    },
    "modernbert": {
        "architecture": "modernbert",
        "scorer_type": "mlp",
        "pooling_strategy": "avg",
        "class_token_pooling": "average",
        "extract_text_features": True,
        "embed_class_token": False,
        "scale": 3,
    },
    "behind": {
        "architecture": "bert",
        "prompt_first": False,
        "embed_class_token": False,
        "normalize_features": True,
        "projector_hidden_act": "relu",
    },
}
"""As the small one of v1.0; one that averages and weighs, its vectors of length 1; one that reads the text alone, and
labels without their token; one whose labels stand behind the text."""
MAX_TOKENS = {"deberta": 1024, "bert": 512, "modernbert": 512, "behind": 512}


def make_models(root: Path) -> list[Path]:
    """A folder for each model, as published."""
    return [make_gliclass(root / name, **settings) for name, settings in MODELS.items()]


def ask_package(python: str, folders: list[Path]) -> dict[str, Any]:
    """What the package answers, by the folders' names."""
    command = [python, "-P", str(PROGRAM), *map(str, folders)]
    asked = json.dumps({"cases": CASES, "max_tokens": MAX_TOKENS})
    ran = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    answers: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return answers


def expected_answers() -> dict[str, Any]:
    """What it answered when it was asked last."""
    answers: dict[str, Any] = json.loads(ANSWERS.read_text("utf-8"))
    return answers


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as work:
        found = ask_package(sys.argv[1], make_models(Path(work)))
    lines = ",\n".join(f'"{name}": {json.dumps(each)}' for name, each in found.items())
    ANSWERS.write_text(f"{{{lines}}}\n", "utf-8")
