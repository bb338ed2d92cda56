"""What KServe's v1 door has beside predictions: explanations, those of /explanations."""

from typing import Any

import pytest

from handler.config import Task
from tests.support.clients.rest import EXPLANATIONS, V1, V1_EXPLAIN, RestDoor, with_parameters
from tests.support.equality.compare import largest_difference
from tests.support.servers import Server

from .errors import NASTY

pytestmark = pytest.mark.server

KEYS = {EXPLANATIONS: "inputs", V1_EXPLAIN: "instances"}
NUM_STEPS = {"n_steps": 5}
EXPLAINED: list[tuple[Task, list[Any]]] = [
    (Task.TEXT_CLASSIFICATION, ["naïve 😀", {"text": "Is it open?", "text_pair": "Until nine."}]),
    (Task.QUESTION_ANSWERING, [{"question": "Who wrote?", "context": "Ada wrote to Babbage in London."}]),
]
Expected = tuple[int, str, str | None]
"""Status, type and place; {} stands for the key of a door's inputs."""
# What is asked, what comes of it, and a part of the message.
REFUSED: list[tuple[Task, Any, dict[str, Any], Expected, str]] = [
    (Task.FILL_MASK, "a", {}, (404, "UnknownPath", None), "fill-mask"),
    (Task.TEXT_CLASSIFICATION, 5, {}, (422, "InvalidInput", "/{}/0"), "string"),
    (Task.TEXT_CLASSIFICATION, "a", {"target": "joy"}, (422, "InvalidParameter", "/parameters/target"), "'joy'"),
    (Task.TEXT_CLASSIFICATION, "a", {"target": NASTY}, (422, "InvalidParameter", "/parameters/target"), repr(NASTY)),
    (Task.TEXT_CLASSIFICATION, "a", {"n_steps": 301}, (422, "InvalidParameter", "/parameters/n_steps"), "300"),
    (Task.TEXT_CLASSIFICATION, "a", {"top_k": 1}, (422, "InvalidParameter", "/parameters/top_k"), "'top_k'"),
]


def body(door: RestDoor, inputs: list[Any], parameters: dict[str, Any]) -> dict[str, Any]:
    return with_parameters({KEYS[door]: inputs}, parameters)


@pytest.mark.parametrize(("task", "inputs"), EXPLAINED)
def test_explain_is_explanations(tasks_server: Server, task: Task, inputs: list[Any]) -> None:
    model = tasks_server.model(task)
    native, v1 = (door.ask(model, body(door, inputs, NUM_STEPS)) for door in KEYS)
    assert largest_difference(v1.results, native.results) < 1e-6
    assert [list(result)[-1] for result in v1.results or []] == ["tokens"] * len(inputs)
    assert v1.headers["x-compute-tokens"] == native.headers["x-compute-tokens"]


@pytest.mark.parametrize("door", KEYS, ids=KEYS.values())
@pytest.mark.parametrize("case", REFUSED, ids=[f"{case[0]} {case[1]} {case[2]}"[:60] for case in REFUSED])
def test_explanations_are_refused_alike(
    tasks_server: Server, door: RestDoor, case: tuple[Task, Any, dict[str, Any], Expected, str]
) -> None:
    task, source, parameters, (status, kind, place), says = case
    error = door.ask(tasks_server.model(task), body(door, [source], parameters)).error
    assert error is not None
    param = place if place is None else place.format(KEYS[door])
    assert (error["code"], error["type"], error["param"]) == (status, kind, param)
    assert says in error["message"]


def test_one_instance_that_is_no_list_is_refused(tasks_server: Server) -> None:
    error = V1.ask(tasks_server.model(Task.EMBEDDINGS), {"instances": "a text"}).error
    assert error is not None
    assert (error["code"], error["type"], error["param"]) == (422, "InvalidInput", "/instances")
