"""What a packed archive answers, through the handler as a worker runs it: numbers in an order to compare."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from berth.archive.content import CHECKPOINT, KNOWN_ANSWERS, MODEL_CONFIG
from berth.archive.unpack import unpack_once
from handler.choose_engine import load_pipeline
from handler.config import Device, HandlerConfig, Task
from handler.doors import native
from handler.doors.call import format_value
from handler.known_answers import load_known_answers
from handler.payload import ModelIdentity, Request
from handler.tasks import TASKS
from handler.worker.environment import Environment
from tests.support.references import gliclass_models, gliner_models

from .kind import Numbers

ENVIRONMENT = Environment(device=Device.CPU, cores=2, max_response_bytes=2**24)
PARAMETERS: dict[Task, dict[str, Any]] = {
    Task.TEXT_CLASSIFICATION: {"top_k": None},
    Task.ZERO_SHOT_CLASSIFICATION: {"candidate_labels": gliclass_models.LABELS, "multi_label": True},
    Task.ZERO_SHOT_TOKEN_CLASSIFICATION: {"candidate_labels": gliner_models.LABELS},
}


def ask(archive: Path, inputs: Sequence[object], cache: Path) -> tuple[Numbers, str]:
    """The numbers of each answer, and the name of the engine that gave them."""
    folder = unpack_once(archive, cache)
    config = HandlerConfig.from_mapping(yaml.safe_load((folder / MODEL_CONFIG).read_text("utf-8"))["handler"])
    known = load_known_answers(folder / KNOWN_ANSWERS, TASKS[config.task])
    pipeline = load_pipeline(folder / CHECKPOINT, config, ENVIRONMENT, None, known)
    (answer,) = pipeline.answer([_request(config.task, inputs)])
    assert isinstance(answer, list), answer
    labels = json.loads((folder / CHECKPOINT / "config.json").read_text("utf-8")).get("id2label", {})
    results = [json.loads(format_value(prediction.value).body) for prediction in answer]
    return [list(_numbers(_in_order(result, list(labels.values())))) for result in results], pipeline.engine


def _request(task: Task, inputs: Sequence[object]) -> Request:
    """The request as the native door reads it."""
    body = json.dumps({"inputs": list(inputs), "parameters": PARAMETERS.get(task, {})}).encode()
    model = ModelIdentity(name="folders", version="1.0", contract=TASKS[task])
    request = native.open_call({"body": body}, {"content-type": "application/json"}, model).item
    assert isinstance(request, Request), request
    return request


def _in_order(result: Any, labels: Sequence[Any]) -> Any:
    """A classifier's labels in the order of config.json, not best first."""
    if isinstance(result, list) and result and isinstance(result[0], dict) and set(result[0]) == {"label", "score"}:
        scores = {item["label"]: item["score"] for item in result}
        return [float(scores[str(label)]) for label in labels] if labels else result
    return result


def _numbers(result: Any) -> Iterator[float]:
    """Every number that is not a whole one, as it comes."""
    if isinstance(result, float):
        yield result
    elif isinstance(result, dict):
        for value in result.values():
            yield from _numbers(value)
    elif isinstance(result, list):
        for value in result:
            yield from _numbers(value)
