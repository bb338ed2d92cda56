"""What a request may be answered with: as many results as it has inputs, each as its task has it."""

import json
from collections.abc import Callable
from typing import Any

from tritonclient.http import InferenceServerClient

from handler.config import Task
from handler.tasks import TASKS
from tests.fuzz.make.requests import RestRequest
from tests.fuzz.models import Target
from tests.fuzz.sending import RestAnswer
from tests.support.clients.infer_rest import read_outputs
from tests.support.clients.rest import under

from .protocols import find_root, judge_values
from .refusals import parse
from .vectors import is_number, judge_vectors

KEYS = {
    Task.TEXT_CLASSIFICATION: {"label", "score"},
    Task.QUESTION_ANSWERING: {"score", "start", "end", "answer"},
    Task.TEXT_RANKING: {"index", "score"},
    Task.ZERO_SHOT_CLASSIFICATION: {"sequence", "labels", "scores"},
    Task.ZERO_SHOT_TOKEN_CLASSIFICATION: {"entity_group", "score", "word", "start", "end"},
}
UNREAD = ("tokenize", "decode", "info")  # the model reads nothing for these, and no token is counted
COMPARED = ("similarity", "score", "v1/score")  # a result of two texts
EXPLAINED = {"score", "baseline_score", "convergence_delta", "tokens"}


def judge_results(request: RestRequest, answer: RestAnswer) -> str:
    """What kind of answer it is; AssertionError says what is wrong with it."""
    value = read_body(answer)
    if isinstance(value, dict) and value.get("openapi"):
        return "200 OPTIONS, TorchServe's"
    if isinstance(value, dict) and value.get("task") == request.target.task:
        assert ("describe", "True") in request.headers, f"described unasked: {value}"
        return "200 description"
    if root := find_root(request):
        results = judge_values(root, value, parse(request.body))
        if root.url_path not in UNREAD:
            _judge_headers(answer, len(results) * (2 if root.url_path in COMPARED else 1))
        return "200"
    results = _read(request, value)
    explains = "/explanations/" in request.path or ":explain" in request.path
    for result in results:
        judge_result(result, request.target, explains=explains)
    _judge_headers(answer, len(results))
    return "200"


def _judge_headers(answer: RestAnswer, num_inputs: int) -> None:
    assert int(answer.headers["x-compute-tokens"]) >= 0
    assert float(answer.headers["x-inference-time-ms"]) > 0
    cut = [int(index) for index in answer.headers.get("x-truncated", "").split(",") if index]
    assert all(0 <= index < num_inputs for index in cut), f"x-truncated {cut} of {num_inputs} inputs"


def _read(request: RestRequest, value: Any) -> list[Any]:
    """The results out of the door's dress, as many as there are inputs."""
    path, body = request.path.partition("?")[0], parse(request.body)
    if path.startswith("/v1/"):
        return same_number(under("explanations" if ":explain" in path else "predictions")(value), body["instances"])
    if path.startswith("/v2/"):
        return same_number(read_outputs(value), range(count_rows(body, request.target.task)))
    is_json = (request.header("content-type") or "json").lower().startswith(("json", "application/json"))
    return read_native(value, body if is_json else None)


def read_body(answer: RestAnswer) -> Any:
    """The JSON; data behind it in its place, as tritonclient reads them."""
    length = answer.headers.get("inference-header-content-length")
    kind = "application/json" if length is None else "application/octet-stream"
    assert answer.headers.get("content-type") == kind, answer.headers
    if length is None:
        return json.loads(answer.body)
    found = InferenceServerClient.parse_response_body(answer.body, header_length=int(length))
    value = found.get_response()
    for output in value["outputs"]:
        data = found.as_numpy(output["name"]).ravel().tolist()
        del output["parameters"]
        output["data"] = data
    return value


def read_native(value: Any, body: Any) -> list[Any]:
    """A list of results for a list of inputs, else one; of a body that is one text None is known."""
    several = isinstance(body, dict) and isinstance(body.get("inputs"), list)
    return same_number(value, body["inputs"]) if several else [value]


def same_number(results: Any, inputs: Any) -> list[Any]:
    """The results, if there is one for each input."""
    assert isinstance(results, list), f"no list of results: {results!r:.200}"
    assert len(results) == len(inputs), f"{len(results)} results of {len(inputs)} inputs"
    return results


def count_rows(body: Any, task: Task) -> int:
    """Of the first tensor that is an input of the task."""
    return next(int(tensor["shape"][0]) for tensor in body["inputs"] if tensor["name"] in TASKS[task].keys)


def judge_result(result: Any, target: Target, *, explains: bool = False) -> None:
    """One result, as docs/api.md has it."""
    if explains:
        assert set(result) >= EXPLAINED, result
        assert all(map(is_number, (result["score"], result["baseline_score"], result["convergence_delta"]))), result
        return
    if target.task is Task.EMBEDDINGS:
        judge_vectors(result, target.vectors)
    else:
        _JUDGES.get(target.task, _judge_objects)(result, target.task)


def _judge_objects(result: Any, task: Task) -> None:
    for each in result if isinstance(result, list) else [result]:
        assert set(each) == KEYS[task], each
        assert is_number(each["score"]), each


def _judge_labels(result: Any, task: Task) -> None:
    assert set(result) == KEYS[task], result
    assert all(map(is_number, result["scores"])), result
    assert len(result["scores"]) == len(result["labels"]), result


_JUDGES: dict[Task, Callable[[Any, Task], None]] = {
    Task.ZERO_SHOT_CLASSIFICATION: _judge_labels,
}
