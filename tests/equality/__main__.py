"""Writes docs/equality.md: task x architecture, the largest difference from transformers, and the engine used.

A second table has the faster precisions of each cell, and what pack makes of them.
"""

import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch
import transformers
from transformers.utils import logging as transformers_logging

from handler.config import Task
from tests.support.checkpoints import ARCHITECTURES, TASKS_OF
from tests.support.equality.cells import Cell, measure_cell
from tests.support.equality.other_vectors import measure_vectors
from tests.support.equality.precisions import FasterCell, in_words, served

from .elsewhere import ELSEWHERE

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


FASTER = """
## In a faster precision

The same checkpoints in bf16 and int8, as `berth pack --precision fastest` tries them ([packing](packing.md#precision)).
First the largest distance from transformers' vectors and logits for the known texts, as a part of their length. Then
how far answers to the known and the golden texts are from those in fp32: the least cosine, or the largest difference of
scores; `no` where that is out of bounds. Served: on a CPU with VNNI and without AMX; with AMX bf16 comes first.

Random weights are hard on labels. Where all scores are nearly alike a hair decides which is the best, and pack refuses
a precision in which another one is. Trained checkpoints have theirs further apart.

| architecture | task | fp32 | bf16 | int8 | served |
|---|---|---|---|---|---|
"""

VECTORS = """
## Other vectors

Sparse vectors and vectors of tokens ([api](api.md#other-vectors)) of small seeded checkpoints, packed and unpacked. The
reference is sentence-transformers' `SparseEncoder`, `MultiVectorEncoder` (each text as a query and as a document, also
where a SPLADE model's queries are looked up) and
`SentenceTransformer`; for bge-m3 what FlagEmbedding's `BGEM3FlagModel` does, written with transformers and torch alone.
The words and the numbers of vectors are the same, or the command fails.

| model | vectors | difference, engine |
|---|---|---|
"""


def main() -> None:
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    rows = ["| architecture | " + " | ".join(Task) + " |", "|---" * (len(Task) + 1) + "|"]
    faster = []
    with tempfile.TemporaryDirectory() as folder:
        for architecture in ARCHITECTURES:
            cells = {task: _cell(Path(folder), architecture, task) for task in Task}
            rows.append(f"| {architecture} | {' | '.join(cells.values())} |")
            print(rows[-1], file=sys.stderr)
            for task in TASKS_OF[architecture]:
                own = _faster_cells(Path(folder) / f"{architecture}-{task}", task)
                faster.append(f"| {architecture} | {task} | {cells[task].split()[0]} | {' | '.join(own)} |")
                print(faster[-1], file=sys.stderr)
        vectors = [f"| {name} | {kind} | {_shown(cell)} |" for name, kind, cell in measure_vectors(Path(folder))]
    head = HEAD.format(date=datetime.now(UTC).date(), torch=torch.__version__, transformers=transformers.__version__)
    parts = (head, _lines(rows), ELSEWHERE, VECTORS, _lines(vectors), FASTER, _lines(faster))
    OUTPUT.write_text("".join(parts))
    print(OUTPUT)


def _cell(folder: Path, architecture: str, task: Task) -> str:
    if task not in TASKS_OF[architecture]:
        return "-"
    return _shown(measure_cell(folder / f"{architecture}-{task}", architecture, task))


def _shown(cell: Cell) -> str:
    return f"{cell.difference:.0e} {cell.engine}"


def _lines(rows: Sequence[str]) -> str:
    return "\n".join(rows) + "\n"


def _faster_cells(folder: Path, task: Task) -> list[str]:
    """The columns of the precisions, and what is served."""
    found = FasterCell(folder, task).measure()
    return [*(in_words(task, each) for each in found), served(task, found)]


if __name__ == "__main__":
    main()
