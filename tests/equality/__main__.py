"""Writes docs/equality.md: task x architecture, the largest difference from transformers, and the engine used."""

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import torch
import transformers
from transformers.utils import logging as transformers_logging

from handler.config import Task
from tests.support.checkpoints import ARCHITECTURES, TASKS_OF
from tests.support.equality.cells import measure_cell

OUTPUT = Path(__file__).parents[2] / "docs" / "equality.md"
HEAD = """# Every task, on every architecture, beside transformers

Made by `make equality` on {date}, torch {torch} on a CPU in fp32, transformers {transformers}. Each cell: the largest
difference of any number in any answer from what transformers answers to the same cases, and the engine that the
known answers chose (`packed`: no padding; `padded`: the fallback). Labels, words, offsets, shapes and order are equal
in all of them, or the command fails. Checkpoints are small and seeded (`tests/support/checkpoints`), with random
weights; cases are in `tests/support/equality/cases.py` and `tests/support/references/cases.py`: emoji, combining marks,
CJK, empty texts, texts and contexts of thousands of tokens, every parameter. `-`: transformers has no such class.

The reference is `transformers.pipeline`; for embeddings transformers' own model, one text at a time; for
text-ranking sentence-transformers' `CrossEncoder.rank`; for question-answering the pipeline of transformers 4.57, whose
answers are kept in `tests/support/references` (transformers 5 has none).

"""


def main() -> None:
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    rows = ["| architecture | " + " | ".join(Task) + " |", "|---" * (len(Task) + 1) + "|"]
    with tempfile.TemporaryDirectory() as folder:
        for architecture in ARCHITECTURES:
            cells = [_cell(Path(folder), architecture, task) for task in Task]
            rows.append(f"| {architecture} | {' | '.join(cells)} |")
            print(rows[-1], file=sys.stderr)
    head = HEAD.format(date=datetime.now(UTC).date(), torch=torch.__version__, transformers=transformers.__version__)
    OUTPUT.write_text(head + "\n".join(rows) + "\n")
    print(OUTPUT)


def _cell(folder: Path, architecture: str, task: Task) -> str:
    if task not in TASKS_OF[architecture]:
        return "-"
    cell = measure_cell(folder / f"{architecture}-{task}", architecture, task)
    return f"{cell.difference:.0e} {cell.engine}"


if __name__ == "__main__":
    main()
