"""A ModelInferRequest as the server's REST address for v2 takes it, and its answer as a ModelInferResponse. Pure.

Tensors go as bytes behind the JSON in both directions, as the protocol's extension for binary data has them: raw
contents are those very bytes, so neither texts nor vectors are read here.
"""

import math
from array import array
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import msgspec

from ..error_answer import ErrorAnswer
from .services import message_of

HEADER = "Inference-Header-Content-Length"  # how many bytes the JSON before the tensors has
SIZE = "binary_data_size"
OUTPUT = "binary_data"
ALL_OUTPUTS = "binary_data_output"
STRINGS = ("BYTES", "STRING")
LENGTH_BYTES = 4
# Datatypes of numbers, as Python's arrays name them; the server refuses others by their name.
NUMBERS = {
    **{"BOOL": "B", "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q", "FP32": "f", "FP64": "d"},
    **{"UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q"},
}
INFER_RESPONSE = message_of("ModelInferResponse")


def to_rest(request: Any) -> tuple[bytes, bytes]:
    """The JSON of a ModelInferRequest, and the bytes of its tensors that follow."""
    _check_raw(request)
    raw = iter(request.raw_input_contents)
    inputs, parts = [], []
    for index, tensor in enumerate(request.inputs):
        head, part = _to_tensor(tensor, next(raw, None), index)
        inputs.append(head)
        parts.append(part)
    head = {
        **({"id": request.id} if request.id else {}),
        "parameters": {**_read_parameters(request.parameters), ALL_OUTPUTS: True},
        "inputs": inputs,
        "outputs": [_to_output(output) for output in request.outputs],
    }
    return msgspec.json.encode(head), b"".join(parts)


def _check_raw(request: Any) -> None:
    num_raw, num_inputs = len(request.raw_input_contents), len(request.inputs)
    has_contents = any(tensor.HasField("contents") for tensor in request.inputs)
    if num_raw and (num_raw != num_inputs or has_contents):
        also = ", and contents beside them" if has_contents else ""
        raise ErrorAnswer(
            422,
            "InvalidInput",
            f"raw_input_contents: there are {num_raw} for {num_inputs} inputs{also}: send one for each input and no "
            "contents, or contents alone",
        )


def _to_tensor(tensor: Any, raw: bytes | None, index: int) -> tuple[dict[str, object], bytes]:
    """One input's JSON, and its bytes."""
    parameters = _read_parameters(tensor.parameters)
    head = {"name": tensor.name, "shape": list(tensor.shape), "datatype": tensor.datatype}
    if tensor.datatype not in STRINGS:
        data = _read_contents(tensor.contents) if raw is None else _read_numbers(raw, tensor.datatype, index)
        return {**head, "parameters": parameters, "data": data}, b""
    part = _join_strings(tensor.contents.bytes_contents) if raw is None else raw
    return {**head, "parameters": {**parameters, SIZE: len(part)}}, part


def _to_output(output: Any) -> dict[str, object]:
    """A requested output; whether it is binary is decided here."""
    parameters = _read_parameters(output.parameters)
    parameters.pop(OUTPUT, None)
    return {"name": output.name, "parameters": parameters}


def _read_parameters(parameters: Mapping[str, Any]) -> dict[str, object]:
    chosen = ((name, value, value.WhichOneof("parameter_choice")) for name, value in parameters.items())
    return {name: None if choice is None else getattr(value, choice) for name, value, choice in chosen}


def _read_contents(contents: Any) -> list[Any]:
    """What the tensor has, whatever its kind; bytes are no JSON, and no number."""
    return [value for field, values in contents.ListFields() if field.name != "bytes_contents" for value in values]


def _read_numbers(raw: bytes, datatype: str, index: int) -> list[Any]:
    numbers = array(NUMBERS.get(datatype, "B"))
    try:
        numbers.frombytes(raw)
    except ValueError:
        message = f"raw_input_contents.{index} has {len(raw)} bytes, which are no whole number of {datatype}"
        raise ErrorAnswer(422, "InvalidInput", message) from None
    return [value if math.isfinite(value) else None for value in numbers]


def _join_strings(strings: Iterator[bytes]) -> bytes:
    return b"".join(chain.from_iterable((len(each).to_bytes(LENGTH_BYTES, "little"), each) for each in strings))


def to_response(body: bytes, head_bytes: int, *, is_raw: bool) -> Any:
    """The server's answer, whose JSON has `head_bytes`; ValueError or LookupError when it is none."""
    head, rest = msgspec.json.decode(body[:head_bytes]), memoryview(body)[head_bytes:]
    response = INFER_RESPONSE(
        model_name=head["model_name"], model_version=head["model_version"], id=head.get("id") or ""
    )
    for name, value in head.get("parameters", {}).items():
        response.parameters[name].string_param = value
    for output in head["outputs"]:
        size = output["parameters"][SIZE]
        part, rest = bytes(rest[:size]), rest[size:]
        tensor = response.outputs.add(name=output["name"], datatype=output["datatype"], shape=output["shape"])
        if is_raw:
            response.raw_output_contents.append(part)
        elif output["datatype"] in STRINGS:
            tensor.contents.bytes_contents.extend(_split_strings(part))
        else:
            tensor.contents.fp32_contents.extend(array("f", part))
    return response


def _split_strings(part: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(part):
        begins = place + LENGTH_BYTES
        place = begins + int.from_bytes(part[place:begins], "little")
        yield part[begins:place]
