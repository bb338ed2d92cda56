"""GLiNER models, what is asked of them, and what the package gliner (0.2.29) finds.

`python -m tests.support.references.gliner_models PYTHON` asks it again; PYTHON is of an environment that has it.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.checkpoints.gliner import make_gliner

ANSWERS = Path(__file__).with_name("gliner_answers.json")
PROGRAM = Path(__file__).with_name("gliner_answers.py")
LABELS = ["person", "place", "date or number"]
SHORT = "Marie Curie was born in Warsaw in 1867, and won the Nobel Prize twice."
SCRIPTS = "Größe, naïveté, 東京タワー, Привет мир, שלום 🚢👩🔬 x"
MAIL = "call me at 555-0100, or write to a_b@example.org or x-y_z!"
LONG = " ".join(f"{SHORT} Number {number} is near {SCRIPTS}." for number in range(9))
Case = tuple[str, list[str], dict[str, Any]]
CASES: list[Case] = [
    *((text, LABELS, {}) for text in (SHORT, SCRIPTS, MAIL, "", " \n", "A", "!")),
    *((text, LABELS, {"flat_ner": False}) for text in (SHORT, SCRIPTS)),
    *((text, LABELS, {"multi_label": True}) for text in (SHORT, SCRIPTS)),
    *((text, LABELS, {"multi_label": True, "flat_ner": False, "threshold": 0.97}) for text in (SHORT, MAIL)),
    (SHORT, LABELS, {"threshold": 0.2}),
    (SHORT, ["person"], {"threshold": 0.4}),
    (SHORT, ["a type of many words, and signs: 東京", "place"], {"threshold": 0.4}),
    (LONG, LABELS, {"threshold": 0.6}),
    (LONG, LABELS, {"threshold": 0.99, "flat_ner": False, "multi_label": True}),
]
MODELS: dict[str, dict[str, Any]] = {
    "deberta": {"pickled": True},
    "bert": {
        "architecture": "bert",
        "num_rnn_layers": 0,
        "hidden_size": 64,
        "max_width": 6,
        "max_len": 60,
        "seed": 3,
        "scale": 2,
    },
    "behind": {"embed_ent_token": False, "num_rnn_layers": 2, "max_len": 40},
}
"""As the small ones of 2024; a BERT as wide as what is behind it, whose words are not read in both directions; one with
two such layers, whose types are read at the token behind theirs. The last two have windows."""


def make_models(root: Path) -> list[Path]:
    """A folder for each model, as published."""
    return [make_gliner(root / name, **settings) for name, settings in MODELS.items()]


def ask_package(python: str, folders: list[Path]) -> dict[str, Any]:
    """What the package finds, by the folders' names."""
    command = [python, "-P", str(PROGRAM), *map(str, folders)]
    ran = subprocess.run(command, input=json.dumps(CASES), capture_output=True, text=True, check=True)
    answers: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return answers


def expected_answers() -> dict[str, Any]:
    """What it found when it was asked last."""
    answers: dict[str, Any] = json.loads(ANSWERS.read_text("utf-8"))
    return answers


def typed_cases(name: str) -> Iterator[tuple[tuple[str, dict[str, Any]], list[dict[str, Any]]]]:
    """Each case of a model as a request has it, and its answer."""
    for (text, labels, parameters), found in zip(CASES, expected_answers()[name], strict=True):
        answer = [
            {"entity_group": label, "score": score, "word": text[start:end], "start": start, "end": end}
            for start, end, label, score in found
        ]
        yield (text, {"candidate_labels": labels, **parameters}), answer


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as work:
        found = ask_package(sys.argv[1], make_models(Path(work)))
    lines = ",\n".join(f'"{name}": {json.dumps(each, ensure_ascii=False)}' for name, each in found.items())
    ANSWERS.write_text(f"{{{lines}}}\n", "utf-8")
