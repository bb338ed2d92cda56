"""TorchServe's own gRPC calls, which carry the native JSON."""

import json
from collections.abc import Mapping
from typing import Any

from berth.clients.grpc_client import INFERENCE, GrpcClient

from .answers import ANSWER_TIMEOUT_S, Answer, Model, bare_error, refused
from .rest import with_parameters


def ask_predictions(model: Model, inputs: list[Any], parameters: Mapping[str, Any]) -> Answer:
    """Ask by Predictions."""
    return send_grpc(model, _body(inputs, parameters))


def ask_stream(model: Model, inputs: list[Any], parameters: Mapping[str, Any]) -> Answer:
    """Ask by StreamPredictions."""
    return send_grpc(model, _body(inputs, parameters), "StreamPredictions")


def _body(inputs: list[Any], parameters: Mapping[str, Any]) -> bytes:
    return json.dumps(with_parameters({"inputs": inputs}, parameters)).encode()


def send_grpc(model: Model, body: bytes, method: str = "Predictions") -> Answer:
    """Any bytes as `body`; a list was asked for, so that an object is an error."""
    with GrpcClient(model.grpc_address, timeout_s=ANSWER_TIMEOUT_S) as client:
        (answer,) = client.call(f"{INFERENCE}.{method}", model_name=model.name, input={"body": body})
    value = json.loads(answer.prediction)
    if isinstance(value, dict):
        return refused(bare_error(value))
    return Answer(status=200, results=value)
