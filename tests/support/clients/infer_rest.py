"""The Open Inference protocol over REST, asked with requests."""

from collections.abc import Mapping
from typing import Any

from .answers import Answer, Model, error_with_message, merge
from .rest import RestDoor, with_parameters
from .tensors import read_output, split, to_tensors


def read_outputs(value: Any) -> list[Any]:
    """The native results in the body of a 200."""
    body = {key: item for key, item in value.items() if key != "id"}
    told = body.pop("parameters", {"truncated": "0"})
    assert list(told) == ["truncated"], value
    assert told["truncated"], value
    assert list(body) == ["model_name", "model_version", "outputs"], value
    (output,) = body["outputs"]
    return read_output(output)


V2 = RestDoor(path="/v2/models/{name}/infer", take=read_outputs, refuse=error_with_message)


def ask_infer_rest(model: Model, inputs: list[Any], parameters: Mapping[str, Any]) -> Answer:
    """POST /v2/models/{model}/infer; several times where inputs do not fit into the same tensors."""
    return merge(V2.ask(model, with_parameters(to_body(group), parameters)) for group in split(inputs))


def to_body(inputs: list[Any]) -> dict[str, Any]:
    """A request without parameters."""
    return {"inputs": [tensor.as_json() for tensor in to_tensors(inputs)]}
