"""The Open Inference protocol over REST, asked with tritonclient."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from tritonclient.http import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

from .answers import ANSWER_TIMEOUT_S, Answer, Model, merge
from .tensors import Tensor, read_rows, read_texts, split, to_tensors


@contextmanager
def triton(model: Model) -> Iterator[Any]:
    """A connection of its own."""
    address = model.url.removeprefix("http://")
    client = InferenceServerClient(address, network_timeout=ANSWER_TIMEOUT_S, connection_timeout=ANSWER_TIMEOUT_S)
    try:
        yield client
    finally:
        client.close()


def ask_infer_triton(model: Model, inputs: list[Any], parameters: Mapping[str, Any]) -> Answer:
    """`infer`, once for each group of inputs that fit into the same tensors."""
    with triton(model) as client:
        return merge(_infer(client, model, group, parameters) for group in split(inputs))


def _infer(client: Any, model: Model, inputs: list[Any], parameters: Mapping[str, Any]) -> Answer:
    tensors = [to_infer_input(tensor) for tensor in to_tensors(inputs)]
    try:
        result = client.infer(model.name, tensors, parameters=dict(parameters))
    except InferenceServerException as error:
        code = int(error.status())
        return Answer(status=code, error={"code": code, "message": error.message()})
    return Answer(status=200, results=read_result(result))


def to_infer_input(tensor: Tensor, *, binary_data: bool = False) -> Any:
    """A tensor as tritonclient has it; its own default is binary."""
    data = np.array(tensor.data, dtype=np.object_).reshape(tensor.shape)
    return InferInput(tensor.name, tensor.shape, "BYTES").set_data_from_numpy(data, binary_data=binary_data)


def read_result(result: Any) -> list[Any]:
    """The native results, out of numpy."""
    (output,) = result.get_response()["outputs"]
    values = result.as_numpy(output["name"])
    if values.dtype == np.float32:
        assert output["name"] == "embeddings"
        return read_rows(values.ravel().tolist(), values.shape)
    assert output["name"] in ("predictions", "embeddings")  # embeddings: other vectors than dense ones
    return read_texts(values.tolist(), values.shape)
