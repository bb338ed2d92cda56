"""TorchServe's own stubs, made as its README says: by grpc_tools.protoc, of the .proto files in its jar."""

import importlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version as installed
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty

from tests.clients.call import Call
from tests.clients.place import TEXTS, Place

CLIENT = "TorchServe's stubs"
FILES = ("google/rpc/status", "inference", "management")


def version() -> str:
    """Of grpcio-tools, which makes them."""
    return f"grpcio-tools {installed('grpcio-tools')}"


def _stubs(place: Place) -> None:
    """Make the modules once, and let them be imported."""
    if "inference_pb2" in sys.modules:
        return
    folder = tempfile.mkdtemp(prefix="berth-stubs-")
    options = [f"-I{place.protos}", f"--python_out={folder}", f"--grpc_python_out={folder}"]
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", *options, *(f"{name}.proto" for name in FILES)], check=True
    )
    sys.path.insert(0, folder)


def _inference(ask: Callable[[Any, Any, Place], Any]) -> Callable[[Place], Any]:
    def run(place: Place) -> Any:
        _stubs(place)
        messages, services = (importlib.import_module(f"inference_pb2{end}") for end in ("", "_grpc"))
        with grpc.insecure_channel(place.grpc) as channel:
            return ask(services.InferenceAPIsServiceStub(channel), messages, place)

    return run


def _management(ask: Callable[[Any, Any, Place], Any]) -> Callable[[Place], Any]:
    def run(place: Place) -> Any:
        _stubs(place)
        messages, services = (importlib.import_module(f"management_pb2{end}") for end in ("", "_grpc"))
        with grpc.insecure_channel(place.grpc_management) as channel:
            return ask(services.ManagementAPIsServiceStub(channel), messages, place)

    return run


def _ping(stub: Any, _messages: Any, _: Place) -> Any:
    return json.loads(stub.Ping(Empty(), timeout=20).health)["status"]


def _predict(stub: Any, messages: Any, place: Place) -> Any:
    request = messages.PredictionsRequest(model_name=place.model, input={"data": TEXTS[0].encode()})
    return json.loads(stub.Predictions(request, timeout=60).prediction)


def _predict_body(stub: Any, messages: Any, place: Place) -> Any:
    body = json.dumps({"inputs": TEXTS}).encode()
    request = messages.PredictionsRequest(model_name=place.model, input={"body": body})
    return json.loads(stub.Predictions(request, timeout=60).prediction)


def _stream(stub: Any, messages: Any, place: Place) -> Any:
    request = messages.PredictionsRequest(model_name=place.model, input={"data": TEXTS[0].encode()})
    (answer,) = stub.StreamPredictions(request, timeout=60)
    return json.loads(answer.prediction)


def _stream2(stub: Any, messages: Any, place: Place) -> Any:
    """TorchServe's frontend breaks over it: without something in front the worker is gone."""
    request = messages.PredictionsRequest(model_name=place.model, input={"data": TEXTS[0].encode()}, sequence_id="7")
    return list(stub.StreamPredictions2(iter([request]), timeout=20))


def _list(stub: Any, messages: Any, _: Place) -> Any:
    listed = json.loads(stub.ListModels(messages.ListModelsRequest(limit=10), timeout=20).msg)
    return [each["modelName"] for each in listed["models"]]


def _describe(stub: Any, messages: Any, place: Place) -> Any:
    request = messages.DescribeModelRequest(model_name=place.model)
    return json.loads(stub.DescribeModel(request, timeout=20).msg)[0]["modelName"]


CALLS = [
    Call(name="Ping", ask=_inference(_ping), expected=lambda _: "Healthy"),
    Call(name="Predictions, data", ask=_inference(_predict), expected=lambda place: place.native(TEXTS[0])),
    Call(
        name="Predictions, body of three texts",
        ask=_inference(_predict_body),
        expected=lambda place: place.native(TEXTS),
    ),
    Call(name="StreamPredictions", ask=_inference(_stream), expected=lambda place: place.native(TEXTS[0])),
    Call(name="StreamPredictions2 with a sequence_id", ask=_inference(_stream2), refused="UNIMPLEMENTED"),
    Call(name="Predictions after it", ask=_inference(_predict), expected=lambda place: place.native(TEXTS[0])),
    Call(name="ListModels, management port", ask=_management(_list), expected=lambda place: list(place.models)),
    Call(name="DescribeModel, management port", ask=_management(_describe), expected=lambda place: place.model),
]
