"""The Open Inference protocol over gRPC: ModelInfer."""

import json
from collections.abc import Mapping
from typing import Any

from berth.clients.grpc_client import GrpcClient

from .answers import ANSWER_TIMEOUT_S, Answer, Model, bare_error, merge, refused
from .tensors import Tensor, read_rows, read_texts, split, to_tensors

MODEL_INFER = "org.pytorch.serve.grpc.openinference.GRPCInferenceService.ModelInfer"


def ask_infer_grpc(model: Model, inputs: list[Any], parameters: Mapping[str, Any]) -> Answer:
    """ModelInfer, once for each group of inputs that fit into the same tensors."""
    return merge(read_response(model, model_infer(model, to_messages(group, parameters))) for group in split(inputs))


def model_infer(model: Model, tensors: list[dict[str, Any]], **fields: Any) -> Any:
    """The answer's message."""
    with GrpcClient(model.grpc_address, timeout_s=ANSWER_TIMEOUT_S) as client:
        (answer,) = client.call(MODEL_INFER, model_name=model.name, inputs=tensors, **fields)
    return answer


def to_messages(inputs: list[Any], parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tensors' fields; parameters are one more, because TorchServe drops those of a request."""
    tensors = to_tensors(inputs)
    if parameters:
        tensors.append(Tensor(name="parameters", shape=[1], data=[json.dumps(dict(parameters))]))
    return [to_message(tensor) for tensor in tensors]


def to_message(tensor: Tensor) -> dict[str, Any]:
    """One tensor's fields."""
    contents = {"bytes_contents": [text.encode("utf-8") for text in tensor.data]}
    return {"name": tensor.name, "shape": tensor.shape, "datatype": "BYTES", "contents": contents}


def read_response(model: Model, answer: Any) -> Answer:
    """The only output: results, or what is wrong."""
    assert (answer.model_name, answer.model_version) == (model.name, model.version)
    (output,) = answer.outputs
    if output.name == "embeddings":
        assert output.datatype == "FP32"
        return Answer(status=200, results=read_rows(output.contents.fp32_contents, output.shape))
    assert output.datatype == "BYTES"
    values = read_texts(output.contents.bytes_contents, output.shape)
    if output.name == "error":
        (error,) = values
        return refused(bare_error(error))
    assert output.name == "predictions"
    return Answer(status=200, results=values)
