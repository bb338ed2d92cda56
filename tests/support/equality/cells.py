"""One cell of the table: a task on an architecture, every case of it through the handler and through transformers."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from berth.pack.load_checkpoint import load_checkpoint
from berth.pack.reference_answers import reference_answers
from handler.choose_engine import load_pipeline
from handler.config import Device, HandlerConfig, Task
from handler.doors import native
from handler.doors.call import format_value
from handler.known_answers import KnownAnswers, load_known_answers
from handler.payload import Answer, ModelIdentity, Request
from handler.pipeline import Pipeline
from handler.tasks import TASKS
from handler.worker.environment import Environment
from tests.support.checkpoints import make_checkpoint
from tests.support.references.cases import question_case
from tests.support.references.gliner_models import typed_cases
from tests.support.references.make_checkpoints import make_question_checkpoint

from .cases import CASES, MASK, Case
from .compare import largest_difference
from .expected import EXPECTED

REFERENCES = Path(__file__).parents[1] / "references" / "question_answering.json"
Asked = tuple[Case, Any]
"""A case, and the answer that is expected."""
ENVIRONMENT = Environment(device=Device.CPU, cores=2, max_response_bytes=2**24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What came of one task on one architecture."""

    engine: str
    num_cases: int
    difference: float
    """The largest, of all numbers of all answers."""


def measure_cell(folder: Path, architecture: str, task: Task) -> Cell:
    """A small checkpoint, made in `folder`, beside transformers; AssertionError where more than a number differs."""
    make_cell(folder, architecture, task)
    pipeline = prove_pipeline(folder, task)
    asked = list(questions(architecture) if task is Task.QUESTION_ANSWERING else cases(folder, task))
    answers = pipeline.answer([parse(case, task) for case, _ in asked])
    pairs = zip(answers, asked, strict=True)
    differences = [largest_difference(value_of(answer), expected) for answer, (_, expected) in pairs]
    return Cell(engine=pipeline.engine, num_cases=len(asked), difference=max(differences))


def make_cell(folder: Path, architecture: str, task: Task) -> None:
    """The small checkpoint of a cell."""
    make = make_question_checkpoint if task is Task.QUESTION_ANSWERING else partial(make_checkpoint, task=task)
    make(folder, architecture)


def questions(architecture: str) -> Iterator[Asked]:
    """The cases of question-answering, and the answers that an older transformers gave."""
    for reference in json.loads(REFERENCES.read_text("utf-8")):
        if reference["architecture"] == architecture:
            case = question_case(reference["case"], reference["variant"])
            yield ({"question": case.question, "context": case.context}, case.parameters), reference["answer"]


def cases(folder: Path, task: Task) -> Iterator[Asked]:
    """The cases of any other task with this checkpoint's own mask, and what transformers answers to them now.

    Of GLiNER the package's own answers, which are kept (tests/support/references).
    """
    if task is Task.ZERO_SHOT_TOKEN_CLASSIFICATION:
        yield from typed_cases("deberta")
        return
    mask = AutoTokenizer.from_pretrained(folder).mask_token
    for case in json.loads(json.dumps(CASES[task]).replace(MASK, mask)):
        yield case, EXPECTED[task](folder, case)


def prove_pipeline(folder: Path, task: Task) -> Pipeline:
    """The pipeline that an archive of this checkpoint would run, with the engine that gives the known answers."""
    config = HandlerConfig(task=task, max_tokens=load_checkpoint(folder, task).max_tokens)
    return load_pipeline(folder, config, ENVIRONMENT, None, known_answers(folder, task))


def known_answers(folder: Path, task: Task) -> KnownAnswers:
    """What an archive of this checkpoint would be compared with."""
    path = folder / f"known_answers-{task}.json"
    path.write_bytes(reference_answers(load_checkpoint(folder, task)).to_json())
    return load_known_answers(path, TASKS[task])


def parse(case: Case, task: Task) -> Request:
    """A case as the native door reads it."""
    source, parameters = case
    body = json.dumps({"inputs": source, "parameters": parameters}).encode()
    model = ModelIdentity(name="cells", version="1.0", contract=TASKS[task])
    request = native.open_call({"body": body}, {"content-type": "application/json"}, model).item
    assert isinstance(request, Request), request
    return request


def value_of(answer: Answer) -> Any:
    """The result as a client reads it."""
    assert isinstance(answer, list), answer
    return json.loads(format_value(answer[0].value).body)
