"""One model behind many doors: whatever a client speaks, it gets the same answers."""

import concurrent.futures

import pytest

from handler.config import Task
from tests.support.clients import DOORS, Answer, Model
from tests.support.equality.compare import largest_difference
from tests.support.servers import Server
from tests.support.texts import mixed_texts

from .mixed_inputs import BATCHES, MASK, NUM_INPUTS, Batch

pytestmark = pytest.mark.server

# FP32 and base64 round JSON's digits, and inputs that v2 wants in two requests are computed in two batches.
TOLERANCE = 1e-6
WITHOUT_HEADERS = ("v2 by tritonclient", "v2 by gRPC", "gRPC Predictions", "gRPC StreamPredictions")
SAMPLE = "bert"


def model_of(task: Task, answering_server: Server, tasks_server: Server) -> Model:
    """The sample for embeddings, else the task's small model."""
    if task is Task.EMBEDDINGS:
        return answering_server.model(SAMPLE)
    return tasks_server.model(task)


def ask_everywhere(batch: Batch, model: Model) -> dict[str, Answer]:
    """The answer of each door that the task has, and no error among them."""
    doors = {name: door for name, door in DOORS.items() if batch.task in door.tasks}
    answers = {name: door.ask(model, batch.inputs, batch.parameters) for name, door in doors.items()}
    assert {name: answer.error for name, answer in answers.items()} == dict.fromkeys(doors)
    return answers


def assert_alike(answers: dict[str, Answer], expected: Answer) -> None:
    for name, answer in answers.items():
        assert answer.status == 200
        assert largest_difference(answer.results, expected.results) < TOLERANCE, name


@pytest.mark.parametrize("batch", BATCHES, ids=[f"{batch.task} {len(batch.inputs)}" for batch in BATCHES])
def test_every_door_gives_the_same_answers(answering_server: Server, tasks_server: Server, batch: Batch) -> None:
    answers = ask_everywhere(batch, model_of(batch.task, answering_server, tasks_server))
    assert len(answers["native"].results or []) == len(batch.inputs)
    assert_alike(answers, answers["native"])


def test_an_answer_near_the_largest(tasks_server: Server) -> None:
    """4.1 MB as JSON, of which max_response_size allows 4.2; errors.py has one that is larger."""
    batch = Batch(task=Task.FILL_MASK, inputs=[MASK + " the" * 600] * 37, parameters={"top_k": 100})
    answers = ask_everywhere(batch, tasks_server.model(Task.FILL_MASK))
    assert_alike(answers, answers["native"])


def test_those_are_200_inputs_of_all_tasks() -> None:
    assert sum(len(batch.inputs) for batch in BATCHES) == NUM_INPUTS
    assert {batch.task for batch in BATCHES} == set(Task)


@pytest.mark.parametrize("task", [Task.EMBEDDINGS, Task.TEXT_CLASSIFICATION, Task.TOKEN_CLASSIFICATION])
def test_every_rest_door_counts_alike(answering_server: Server, tasks_server: Server, task: Task) -> None:
    texts = mixed_texts(12)
    answers = ask_everywhere(Batch(task=task, inputs=texts), model_of(task, answering_server, tasks_server))
    counted = [answer.headers for name, answer in answers.items() if name not in WITHOUT_HEADERS]
    assert len(counted) == (6 if task is Task.EMBEDDINGS else 4)
    assert len({(headers["x-compute-tokens"], headers.get("x-truncated")) for headers in counted}) == 1
    assert ("x-truncated" in counted[0]) == (task is not Task.TOKEN_CLASSIFICATION)  # which reads all of a text
    assert all(float(headers["x-inference-time-ms"]) > 0 for headers in counted)


def test_all_doors_at_once(answering_server: Server) -> None:
    """A batch of TorchServe mixes them: each gets its own answer in its own dress, and the worker lives."""
    model, before = answering_server.model(SAMPLE), answering_server.worker_pids(SAMPLE)
    texts = mixed_texts(6)
    expected = DOORS["native"].ask(model, texts, {})
    names = list(DOORS) * 3
    with concurrent.futures.ThreadPoolExecutor(2 * len(names)) as pool:
        good = [pool.submit(DOORS[name].ask, model, texts, {}) for name in names]
        bad = [pool.submit(DOORS[name].ask, model, texts, {"dimensions": 10_000}) for name in names]
    for name, answer in zip(names, good, strict=True):
        assert_alike({name: answer.result()}, expected)
    assert {answer.result().status for answer in bad} == {422}
    assert answering_server.worker_pids(SAMPLE) == before
