"""`python -m bench.request`: what does a text cost on the CPU beside its forward pass, stage by stage?

The forward pass is replaced by one whose rows are ready; all else is the handler's own, without TorchServe. Figures are
microseconds of one core (time.thread_time, tokenizers' threads off) for each text or pair that the model reads. Beside
them stands what no handler can avoid: the fastest exact tokenising of the same texts, alone. The cases take turns in
each round. Goal: at most 40 us beyond tokenising for a text of 25 tokens in lists of 64, of classification and of
embeddings as base64.
"""

import gc
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from handler.config import Task

from ..machine import describe_run
from ..stats import Spread

COMMAND = "python -m bench.request"
SCHEMA_VERSION = 1
CASES: tuple[tuple[Any, ...], ...] = (
    (Task.TEXT_CLASSIFICATION, 64, 64),
    (Task.TEXT_CLASSIFICATION, 64, 1),
    (Task.TEXT_CLASSIFICATION, 1, 1),
    (Task.EMBEDDINGS, 8, 64),
    (Task.EMBEDDINGS, 8, 64, "base64"),
    (Task.EMBEDDINGS, 64, 1),
    (Task.EMBEDDINGS, 1, 1, "base64"),
    (Task.ZERO_SHOT_CLASSIFICATION, 8, 64),
    (Task.TEXT_RANKING, 64, 8),
    (Task.TOKEN_CLASSIFICATION, 8, 64),
    (Task.TOKEN_CLASSIFICATION, 1, 1),
)
Figures = dict[str, dict[str, list[float]]]
"""Microseconds of each round, by case and stage."""


def main(rounds: Annotated[int, typer.Option(min=1, help="Rounds; each measures every case once.")] = 7) -> None:
    """Measure core microseconds for each text: about a minute. Progress goes to stderr."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # all is done by the thread whose time is taken
    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    figures = measure(rounds)
    print(to_table(figures))
    print(json.dumps({"schema_version": SCHEMA_VERSION, "benchmark": "request", **facts, "us_per_text": figures}))


def measure(rounds: int) -> Figures:
    """Time every case once a round, in turn, so that a noisy minute meets them all."""
    from .ready import make_checkpoint, ready_pipeline  # noqa: PLC0415 - `--help` answers at once
    from .stages import Batch, Case  # noqa: PLC0415

    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        folders = {
            task: make_checkpoint(Path(folder) / task, task) for task in dict.fromkeys(case[0] for case in CASES)
        }
        pipelines = {task: stack.enter_context(ready_pipeline(folders[task], task)) for task in folders}
        cases = [Case(*case) for case in CASES]
        batches = {case.name: Batch(case, folders[case.task], pipelines[case.task]) for case in cases}
        gc.freeze()  # as the worker does: what was loaded is no garbage, and is not looked through
        for number in range(rounds + 1):
            for name, batch in batches.items():
                measured = batch.measure()
                if number:  # the first round warms up
                    for stage, us in measured.items():
                        figures.setdefault(name, {}).setdefault(stage, []).append(round(us, 2))
            sys.stderr.write(f"bench: round {number} of {rounds}\n")
    return figures


def to_table(figures: Figures) -> str:
    """The medians for people, in Markdown."""
    stages = list(next(iter(figures.values())))
    rows = [["us of a core for each text", *stages], ["---"] * (len(stages) + 1)]
    rows += [[name, *(f"{Spread.of(us).median:.1f}" for us in case.values())] for name, case in figures.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    typer.run(main)
