"""2,000 inputs of all tasks through `berth bulk` and through REST: an archive gives the same answers and errors."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from berth.bulk.job import Job, Output
from berth.bulk.run import run
from berth.progress import ignore
from berth.tune.texts import mixed_texts as short_texts
from handler.config import Task
from tests.support.bulk import read_rows
from tests.support.equality.compare import largest_difference
from tests.support.servers import Server
from tests.support.texts import WORDS, mixed_texts

from .doors.mixed_inputs import BATCHES, MASK, Batch

pytestmark = pytest.mark.server

TOLERANCE = 1e-5  # batches are others, and so are the last bits
PER_TASK = 250
LONG = 12  # texts of all lengths, to well over 512 tokens; the others have a few dozen
AT_ONCE = 50  # inputs of one request
BAD: list[Any] = [{"text": 7}, {"text": None}, {}]
SOURCES: dict[Task, Callable[[str], Any]] = {
    Task.TEXT_CLASSIFICATION: lambda text: {"text": text, "text_pair": text[::2]},
    Task.QUESTION_ANSWERING: lambda text: {"question": "Who wrote 日本語?", "context": f"Ada wrote. {text}"},
    Task.FILL_MASK: lambda text: {"text": f"{MASK} {text}"},
    Task.TEXT_RANKING: lambda text: {"query": "the model", "texts": [text, text[::2]]},
}
PARAMETERS = {batch.task: batch.parameters for batch in BATCHES if batch.parameters}


def sources(task: Task) -> list[Any]:
    """As many objects as make 2,000 over all tasks; the last are no inputs of any task."""
    short = short_texts(WORDS, PER_TASK - len(BAD) - LONG, seed=len(task))
    texts = [*mixed_texts(LONG, seed=len(task)), *short]
    return [*map(SOURCES.get(task, lambda text: {"text": text}), texts), *BAD]


def ask(server: Server, batch: Batch) -> requests.Response:
    body = {"inputs": batch.inputs, "parameters": batch.parameters}
    return requests.post(f"{server.inference_url}/predictions/{batch.task}", json=body, timeout=120)


def answers(server: Server, whole: Batch) -> list[Any]:
    """Of inputs that are all well, a list at a time."""
    found: list[Any] = []
    for start in range(0, len(whole.inputs), AT_ONCE):
        part = Batch(task=whole.task, inputs=whole.inputs[start : start + AT_ONCE], parameters=whole.parameters)
        response = ask(server, part)
        assert response.status_code == 200, response.text
        found += response.json()
    return found


@pytest.mark.parametrize("task", Task)
def test_rows_are_the_servers_answers(
    tasks_server: Server, task_archives: dict[Task, Path], tmp_path: Path, task: Task
) -> None:
    inputs, parameters = sources(task), PARAMETERS.get(task, {})
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(each) + "\n" for each in inputs))
    output = tmp_path / "output"
    job = Job(
        archive=task_archives[task],
        inputs=(str(tmp_path / "a.jsonl"),),
        output=output,
        parameters=parameters,
        to=Output.JSONL,
    )
    run(job, ignore)
    rows = read_rows(output)
    assert len(rows) == PER_TASK
    good, bad = rows[: -len(BAD)], rows[-len(BAD) :]
    expected = answers(tasks_server, Batch(task=task, inputs=inputs[: -len(BAD)], parameters=parameters))
    for row, answer in zip(good, expected, strict=True):
        assert row["error"] is None
        assert largest_difference(row["result"], answer) < TOLERANCE
    for row, source in zip(bad, BAD, strict=True):
        refused = ask(tasks_server, Batch(task=task, inputs=[source], parameters=parameters)).json()
        assert row["result"] is None
        assert {name: row["error"][name] for name in ("code", "type")} == {n: refused[n] for n in ("code", "type")}
