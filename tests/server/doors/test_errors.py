"""Every mistake through every door: the same status, type and words, and the place in that door's own body."""

from collections.abc import Iterator

import pytest

from tests.support.clients import DOORS
from tests.support.servers import Server

from .errors import TENSORS, TOO_LARGE, WRONG_INPUTS, ErrorCase
from .parameter_errors import WRONG_PARAMETERS

pytestmark = pytest.mark.server

CASES = [*WRONG_INPUTS, *TOO_LARGE, *WRONG_PARAMETERS]
ASKED = [
    pytest.param(case, door, id=f"{case.name}, {door}")
    for case in CASES
    for door in DOORS
    if case.task in DOORS[door].tasks and case.is_asked_of(door)
]


@pytest.fixture(scope="module", autouse=True)
def _same_workers(tasks_server: Server) -> Iterator[None]:
    """No mistake of these costs a worker."""
    models = sorted({case.task for case in CASES})
    before = [tasks_server.worker_pids(model) for model in models]
    yield
    assert [tasks_server.worker_pids(model) for model in models] == before


@pytest.mark.parametrize(("case", "door"), ASKED)
def test_a_mistake_is_the_same_everywhere(tasks_server: Server, case: ErrorCase, door: str) -> None:
    answer = DOORS[door].ask(tasks_server.model(case.task), case.inputs, case.parameters)
    assert answer.error is not None, answer
    assert words(case, door) in answer.error["message"]
    expected = {"code": case.status, "type": case.kind, "param": place(case, door)}
    seen = {key: value for key, value in answer.error.items() if key != "message"}
    assert seen == {key: value for key, value in expected.items() if key in DOORS[door].says}
    assert answer.status == case.status


def place(case: ErrorCase, door: str) -> str | None:
    """Where the mistake is in this door's body."""
    if case.tensor is not None and door in TENSORS:
        return case.tensor
    return DOORS[door].point(case.param, case.inputs)


def words(case: ErrorCase, door: str) -> str:
    """What this door's message says among other things."""
    return case.tensor_says if case.tensor_says is not None and door in TENSORS else case.says


def test_a_case_is_left_out_only_of_doors_that_there_are() -> None:
    for case in CASES:
        for left_out in case.left_out:
            assert set(left_out.doors) <= set(DOORS)
            assert left_out.why
