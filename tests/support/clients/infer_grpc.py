"""The Open Inference protocol over gRPC: ModelInfer, under the protocol's own name."""

import json
from collections.abc import Mapping
from typing import Any

import grpc
from tritonclient.grpc.service_pb2 import ModelInferRequest
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from .answers import ANSWER_TIMEOUT_S, Answer, Model, bare_error, merge, refused
from .tensors import Tensor, read_rows, read_texts, split, to_tensors

MODEL_INFER = "org.pytorch.serve.grpc.openinference.GRPCInferenceService.ModelInfer"
ERROR = "error-bin"


def ask_infer_grpc(model: Model, inputs: list[Any], parameters: Mapping[str, Any]) -> Answer:
    """ModelInfer, once for each group of inputs that fit into the same tensors."""
    return merge(infer(model, to_messages(group, parameters)) for group in split(inputs))


def infer(model: Model, tensors: list[dict[str, Any]], **fields: Any) -> Answer:
    """Results, or what is wrong."""
    try:
        return read_response(model, model_infer(model, tensors, **fields))
    except grpc.RpcError as error:
        said = json.loads(dict(error.trailing_metadata())[ERROR])
        code, kind, param = (said[key] for key in ("code", "type", "param"))
        return refused(bare_error({"code": code, "type": kind, "message": error.details(), "param": param}))


def model_infer(model: Model, tensors: list[dict[str, Any]], **fields: Any) -> Any:
    """The answer's message."""
    with grpc.insecure_channel(model.grpc_address, [("grpc.enable_http_proxy", 0)]) as channel:
        request = ModelInferRequest(model_name=model.name, inputs=tensors, **fields)
        return GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=ANSWER_TIMEOUT_S)


def to_messages(inputs: list[Any], parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tensors' fields; parameters are one more, because those of a request are no lists and objects."""
    tensors = to_tensors(inputs)
    if parameters:
        tensors.append(Tensor(name="parameters", shape=[1], data=[json.dumps(dict(parameters))]))
    return [to_message(tensor) for tensor in tensors]


def to_message(tensor: Tensor) -> dict[str, Any]:
    """One tensor's fields."""
    contents = {"bytes_contents": [text.encode("utf-8") for text in tensor.data]}
    return {"name": tensor.name, "shape": tensor.shape, "datatype": "BYTES", "contents": contents}


def read_response(model: Model, answer: Any) -> Answer:
    """The only output."""
    assert (answer.model_name, answer.model_version) == (model.name, model.version)
    (output,) = answer.outputs
    if output.datatype == "FP32":
        assert output.name == "embeddings"
        return Answer(status=200, results=read_rows(output.contents.fp32_contents, output.shape))
    assert output.datatype == "BYTES"
    values = read_texts(output.contents.bytes_contents, output.shape)
    assert output.name in ("predictions", "embeddings")  # embeddings: other vectors than dense ones
    return Answer(status=200, results=values)
