"""TorchServe's gRPC inference service for tests, from the .proto files that lie inside its own jar."""

import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, message_factory
from grpc_tools import protoc

SERVICE = "org.pytorch.serve.grpc.inference"


class InferenceStub:
    """Predictions and StreamPredictions of one server."""

    def __init__(self, channel: grpc.Channel, work_folder: Path) -> None:
        messages = _compile_messages(work_folder)
        self._request = messages[f"{SERVICE}.PredictionsRequest"]
        response = messages[f"{SERVICE}.PredictionResponse"]
        wire: dict[str, Any] = {
            "request_serializer": self._request.SerializeToString,
            "response_deserializer": response.FromString,
        }
        path = f"/{SERVICE}.InferenceAPIsService"
        self._unary = channel.unary_unary(f"{path}/Predictions", **wire)
        self._stream = channel.unary_stream(f"{path}/StreamPredictions", **wire)

    def predict(self, model: str, **inputs: bytes) -> bytes:
        """The payload of one Predictions call."""
        response = self._unary(self._request(model_name=model, input=inputs), timeout=30)
        return bytes(response.prediction)

    def stream(self, model: str, **inputs: bytes) -> list[bytes]:
        """The payloads of one StreamPredictions call."""
        return [
            bytes(part.prediction) for part in self._stream(self._request(model_name=model, input=inputs), timeout=30)
        ]


def _compile_messages(folder: Path) -> dict[str, Any]:
    torchserve = find_spec("ts")  # not imported: it leaves a file open
    assert torchserve is not None
    assert torchserve.origin is not None
    with zipfile.ZipFile(Path(torchserve.origin).with_name("frontend") / "model-server.jar") as jar:
        jar.extractall(folder, [name for name in jar.namelist() if name.endswith(".proto")])
    output = folder / "inference.bin"
    arguments = ["protoc", f"-I{folder}", "--include_imports", f"--descriptor_set_out={output}", "inference.proto"]
    assert protoc.main(arguments) == 0
    described = descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes())
    return dict(message_factory.GetMessages(described.file))
