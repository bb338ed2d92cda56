"""The fuzz itself: the same requests for the same seed, and a judge that is not blind."""

import json
from typing import Any

import pytest

from handler.config import Task
from tests.fuzz.judge.judging import judge_rest
from tests.fuzz.make.requests import RestRequest
from tests.fuzz.make.values import encode
from tests.fuzz.models import SAMPLE, SMALL, Target
from tests.fuzz.run import DOORS, make_request
from tests.fuzz.sending import RestAnswer

TARGETS = (SAMPLE, *SMALL)
TINY = Target("tiny", Task.TEXT_CLASSIFICATION)
HEADERS = {"content-type": "application/json", "x-compute-tokens": "4", "x-inference-time-ms": "1.5"}
RESULT = {"label": "positive", "score": 0.5}
ERROR = {"code": 422, "type": "InvalidInput", "message": "inputs.1: expected string", "param": "/inputs/1"}


def test_requests_are_made_of_the_seed_and_their_number() -> None:
    made = [make_request(7, number, TARGETS) for number in range(300)]
    assert [str(request) for request in made] == [str(make_request(7, number, TARGETS)) for number in range(300)]
    assert [str(request) for request in made] != [str(make_request(8, number, TARGETS)) for number in range(300)]
    assert {request.door for request in made} == set(DOORS)
    assert 0.1 < sum(request.is_good for request in made) / len(made) < 0.6


def test_numbers_that_python_does_not_write() -> None:
    assert encode({"a": ["raw number 1e999", "\ud800"]}) == b'{"a": [1e999, "\\ud800"]}'


def judge(status: int, value: Any, path: str = "/predictions/tiny", **changed: Any) -> str:
    """The outcome of a good request with two inputs."""
    request = RestRequest(door="native", target=TINY, path=path, body=b'{"inputs": ["a", "b"]}', is_good=status == 200)
    headers = {**HEADERS, **changed.pop("headers", {})}
    return judge_rest(request, RestAnswer(status=status, headers=headers, body=json.dumps(value).encode(), **changed))


def test_what_a_user_may_get() -> None:
    assert judge(200, [RESULT, [RESULT, RESULT]]) == "200"
    assert judge(422, ERROR) == "422 InvalidInput"
    assert judge(422, {**ERROR, "error": ERROR["message"]}, path="/v1/models/tiny:predict") == "422 InvalidInput"
    assert judge(422, {"error": ERROR}, path="/predictions/tiny/1.0/v1/embeddings") == "422 InvalidInput"
    assert judge(404, {"code": 404, "type": "ModelNotFoundException", "message": "x"}).startswith("404 ModelNotFound")


BLUNDERS: list[tuple[int, Any, dict[str, Any]]] = [
    (200, RESULT, {}),
    (200, [RESULT], {}),
    (200, [RESULT, {"label": "positive", "score": None}], {}),
    (200, [RESULT, RESULT], {"headers": {"x-truncated": "2"}}),
    (200, [RESULT, RESULT], {"headers": {"x-label": "na\xefve"}}),
    (200, [RESULT, RESULT], {"phrase": "na\xefve"}),
    (200, ERROR, {}),
    (400, ERROR, {}),
    (422, {**ERROR, "message": "that is wrong"}, {}),
    (422, {**ERROR, "message": " "}, {}),
    (422, {**ERROR, "message": "inputs" * 1000}, {}),
    (422, {"error": ERROR}, {}),
    (422, ERROR, {"path": "/v2/models/tiny/infer"}),
    (500, {**ERROR, "code": 500, "type": "InternalError"}, {}),
    (503, {"code": 503, "type": "InternalServerException", "message": "Prediction failed"}, {}),
    (500, {"code": 500, "type": "InternalServerException", "message": "Worker died."}, {}),
    (0, None, {}),
]


@pytest.mark.parametrize(("status", "value", "changed"), BLUNDERS)
def test_what_nobody_should_get(status: int, value: Any, changed: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        judge(status, value, **changed)
