"""Requests to the pure part of the doors, as TorchServe hands them over, and what the doors make of them."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from handler.config import Task
from handler.doors.call import Call
from handler.doors.route import open_call
from handler.payload import Prediction, Rejected, Request
from handler.vectors.settings import Vectors

from .standin_model import identify

REST = {"Content-Type": "application/json", "explain": "False"}
OPENAI_HEADERS = {**REST, "url_path": "v1/embeddings"}
MODEL_INFER = {"body": {"content-type": "application/json"}}
EXPLAIN = {**REST, "explain": "True"}


def ask(
    body: object,
    headers: Mapping[str, object] = REST,
    task: Task = Task.EMBEDDINGS,
    vectors: Vectors | None = None,
) -> Call:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return open_call({"body": raw}, headers, identify(task, vectors))


def read(body: object, headers: Mapping[str, object] = REST, task: Task = Task.EMBEDDINGS) -> Request:
    item = ask(body, headers, task).item
    assert isinstance(item, Request), item
    return item


def refused(body: object, headers: Mapping[str, object] = REST, task: Task = Task.EMBEDDINGS) -> tuple[Any, Any]:
    """The error of a refused request, and the body that is sent for it."""
    call = ask(body, headers, task)
    assert isinstance(call.item, Rejected), call.item
    response = call.reply.format_error(call.item.error)
    assert response.status == call.item.error.status
    return call.item.error, json.loads(response.body)


def tensor(name: str, *data: object, shape: list[int] | None = None) -> dict[str, object]:
    return {"name": name, "shape": shape or [len(data)], "datatype": "BYTES", "data": list(data)}


def infer(*tensors: object, **others: object) -> dict[str, object]:
    return {"inputs": list(tensors), **others}


def answer(call: Call, *values: object) -> Any:
    predictions = [Prediction(value=value, num_tokens=3, is_truncated=False) for value in values]
    response = call.reply.format_predictions(predictions)
    assert (response.status, response.headers) == (200, {"x-compute-tokens": str(3 * len(values))})
    return json.loads(response.body)


def grpc_body(*tensors: dict[str, Any]) -> dict[str, Any]:
    """A ModelInferRequest, as TorchServe hands it over."""
    encoded = [{**each, "data": [base64.b64encode(text).decode() for text in each["data"]]} for each in tensors]
    return {"model_name": "m", "inputs": encoded, "id": "7"}
