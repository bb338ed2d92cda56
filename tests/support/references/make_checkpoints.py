"""Checkpoints of the question-answering references: `python -m tests.support.references.make_checkpoints OUT`."""

import sys
from pathlib import Path

from safetensors.torch import load_file, save_file

from handler.config import Task
from tests.support.checkpoints import TASKS_OF, make_checkpoint

ARCHITECTURES = tuple(name for name, tasks in TASKS_OF.items() if Task.QUESTION_ANSWERING in tasks)
HEADS = ("qa_outputs.", "classifier.")  # ModernBERT's is a classifier
SHARPNESS = 8


def make_question_checkpoint(folder: Path, architecture: str) -> Path:
    """A checkpoint whose logits are as far apart as a trained one's, so that some answers are much better than others.

    Those of random weights are too much alike: every span of a long context would have a score below 1e-4.
    """
    make_checkpoint(folder, architecture, Task.QUESTION_ANSWERING)
    weights = load_file(folder / "model.safetensors")
    sharper = {name: value * SHARPNESS if name.startswith(HEADS) else value for name, value in weights.items()}
    save_file(sharper, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


if __name__ == "__main__":
    for name in ARCHITECTURES:
        make_question_checkpoint(Path(sys.argv[1]) / name, name)
