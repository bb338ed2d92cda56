"""The Open Inference protocol (KServe v2): POST /v2/models/{model}/infer and /explain, and gRPC's ModelInfer.

Inputs are BYTES tensors with the names of the task's keys. TorchServe turns a ModelInferRequest into the same JSON
with base64 in BYTES, drops its parameters, requested outputs and raw contents, and dies of an answer that is not the
protocol's: over gRPC an error is an output.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta

from ..contract import Contract
from ..errors import InvalidInput, InvalidParameter, RequestError
from ..parameters import EncodingFormat, Parameters, describe_parameters
from ..payload import Answered, ModelIdentity, Prediction, Rejected, Request, Response
from ..vectors.settings import Kind, kinds_of
from ..vectors.sparse import kind_of
from ..wire import convert, quote
from .advice import Advice, example_body
from .binary import HEADER, MEDIA, SIZE, strings_to_bytes, vectors_to_bytes
from .body import decode_json
from .call import Call, count_headers, encode_error, encode_value, encoding_of, format_value, refuse
from .tensors import Column, Tensor, describe_inputs, example_tensors, read_column, read_inputs
from .typed import parameters_of

PARAMETERS = "parameters"
BINARY_OUTPUT = "binary_data_output"
TIMEOUT = "timeout"
SEQUENCE = ("sequence_id", "sequence_start", "sequence_end")
# No parameters of a task: how the answer comes, MLServer's codecs, Triton's scheduler.
OF_CLIENTS = (BINARY_OUTPUT, "content_type", "headers", "priority", TIMEOUT, *SEQUENCE)
MAX_ID_OF_ERROR = 1000  # characters; an error is small, for it is what is sent where an answer is too large
NO_BASE64 = "encoding_format: a tensor's numbers are FP32 here, not base64: leave it out, or send float"

TENSORS = Advice(json="a ModelInferRequest", several="several rows", has_curl=False)
IN_A_TENSOR = Advice(json='a JSON object, such as {"truncation": false}', several="one object", has_curl=False)


class OutputParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client may ask of an output."""

    binary_data: bool | None = None
    """Whether this output comes as bytes behind the JSON. Absent: as `binary_data_output` says."""
    content_type: str | None = None
    """Ignored; MLServer sends it."""


class RequestedOutput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An output that a client names."""

    name: str
    parameters: OutputParameters | None = None


class InferBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The protocol's inference request."""

    inputs: Annotated[list[Tensor], Meta(min_length=1)]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    """The task's parameters. `binary_data_output` says whether outputs are bytes behind the JSON; `timeout`, in
    microseconds, how long the request may wait. `content_type`, `headers` and `priority`, which clients add, are
    ignored."""
    outputs: list[RequestedOutput] | None = None
    model_name: str | None = None
    """Ignored, like model_version: the address names the model."""
    model_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorReply:
    """One output tensor, over REST or gRPC."""

    model: ModelIdentity
    id: str | None = None
    """What the client calls its request; over gRPC TorchServe needs one, if empty."""
    is_grpc: bool = False
    is_binary: bool = False
    """Whether the output's data are bytes behind the JSON."""
    explains: bool = False
    """Whether explanations are asked for."""

    def format_predictions(self, predictions: Sequence[Prediction]) -> Response:
        """Write a 200 with dense embeddings [n, dimensions], or [n] results as JSON."""
        values: list[Any] = [prediction.value for prediction in predictions]
        headers = count_headers(predictions)
        if self.is_binary:
            return self._format_binary(values, headers)
        name = self.output_name
        if self._has_numbers(values):
            shape = [len(values), len(values[0])]
            output = _tensor(name, "FP32", shape, data=np.concatenate(values))
        else:
            output = self._json_tensor(name, values)
        return format_value(self._answer(output) | self._say_truncated(headers), headers)

    def _format_binary(self, values: list[Any], headers: dict[str, str]) -> Response:
        name = self.output_name
        if self._has_numbers(values):
            data = vectors_to_bytes(values)
            output = _tensor(name, "FP32", [len(values), len(values[0])], parameters={SIZE: len(data)})
        else:
            data = strings_to_bytes([encode_value(value) for value in values])
            output = _tensor(name, "BYTES", [len(values)], parameters={SIZE: len(data)})
        response = format_value(self._answer(output) | self._say_truncated(headers))
        headers |= {"content-type": MEDIA, HEADER: str(len(response.body))}
        return replace(response, body=response.body + data, headers=headers)

    def _has_numbers(self, values: list[Any]) -> bool:
        """Whether they are dense vectors, which are rows of one tensor."""
        return self.model.contract.is_vector and kind_of(values[0]) is Kind.DENSE

    @property
    def output_name(self) -> str:
        """The name of the only output."""
        return "explanations" if self.explains else output_name(self.model.contract)

    def format_error(self, error: RequestError) -> Response:
        """Write the error object and its message as `error`; over gRPC as an output of that name."""
        value = encode_error(error)
        if self.is_grpc:
            reply = self if len(self.id or "") <= MAX_ID_OF_ERROR else replace(self, id="")
            return refuse(error, reply._answer(self._json_tensor("error", [value])))
        return refuse(error, {**value, "error": error.message})

    def _say_truncated(self, headers: Mapping[str, str]) -> dict[str, object]:
        """What was cut, as the protocol's `parameters`; TorchServe's own gRPC has no place for them in an answer."""
        cut = None if self.is_grpc else headers.get("x-truncated")
        return {"parameters": {"truncated": cut}} if cut else {}

    def _answer(self, output: dict[str, object]) -> dict[str, object]:
        named = {} if self.id is None else {"id": self.id}
        return {**named, "model_name": self.model.name, "model_version": self.model.version, "outputs": [output]}

    def _json_tensor(self, name: str, values: list[Any]) -> dict[str, object]:
        """JSON in strings; TorchServe makes bytes of what it finds as it prints it, and of a string with its quotes."""
        data = values if self.is_grpc else [encode_value(value).decode() for value in values]
        return _tensor(name, "BYTES", [len(values)], data=data)


def output_name(contract: Contract) -> str:
    """Return the name of the only output."""
    return "embeddings" if contract.is_vector else "predictions"


def _tensor(name: str, datatype: str, shape: list[int], **content: object) -> dict[str, object]:
    return {"name": name, "datatype": datatype, "shape": shape, **content}


def open_grpc_call(body: bytes | bytearray, model: ModelIdentity) -> Call:
    """Read a ModelInferRequest as TorchServe writes it."""
    value = decode_json(body, TENSORS)
    assert isinstance(value, dict)
    return _open(value, TensorReply(model=model, id=value["id"], is_grpc=True))


def open_call(value: object, model: ModelIdentity, *, explains: bool = False) -> Call:
    """Read a REST request with tensors."""
    request_id = value.get("id") if isinstance(value, dict) else None
    known = request_id if isinstance(request_id, str) else None
    return _open(value, TensorReply(model=model, id=known, explains=explains))


def open_metadata(model: ModelIdentity) -> Call:
    """Answer what the model takes and gives, in the protocol's words (its $metadata_model_response)."""
    vectors = model.running.config.vectors
    is_vector = model.contract.is_vector and kinds_of(vectors)[0] is Kind.DENSE
    output = _tensor(output_name(model.contract), "FP32" if is_vector else "BYTES", [-1, -1] if is_vector else [-1])
    value = {
        "name": model.name,
        "versions": [model.version],
        "platform": "pytorch_transformers",
        "inputs": describe_inputs(model.contract),
        "outputs": [output],
    }
    return Call(item=Answered(value), reply=TensorReply(model=model))


def _open(value: object, reply: TensorReply) -> Call:
    """Read the request; its id is in the answer, an error's too."""
    try:
        request, body = _read_request(value, reply)
        return Call(item=request, reply=replace(reply, is_binary=_wants_binary(body)))
    except RequestError as error:
        return Call(item=Rejected(error), reply=reply)


def _wants_binary(body: InferBody) -> bool:
    """Tell whether the only output comes as bytes: what it says itself goes before what all outputs are told."""
    named = [output.parameters.binary_data for output in body.outputs or () if output.parameters is not None]
    says = [each for each in named if each is not None]
    return says[-1] if says else (body.parameters or {}).get(BINARY_OUTPUT) is True


def _read_request(value: object, reply: TensorReply) -> tuple[Request, InferBody]:
    contract = reply.model.contract
    kind = parameters_of(contract, explains=reply.explains)
    hints = _describe_fields(contract, kind, is_grpc=reply.is_grpc)
    body: InferBody = convert(value, InferBody, hints)
    said = body.parameters or {}
    _check_outputs(body.outputs or (), reply.output_name)
    columns = _read_columns(body.inputs, is_base64=reply.is_grpc)
    parameters = _read_parameters(said, columns.pop(PARAMETERS, None), kind, hints)
    if encoding_of(parameters) is EncodingFormat.BASE64:
        raise InvalidParameter(NO_BASE64, "/parameters/encoding_format")
    inputs = read_inputs(columns, contract)
    return Request(inputs=inputs, parameters=parameters, deadline_s=_read_deadline_s(said)), body


def _read_deadline_s(said: Mapping[str, Any]) -> float:
    """Return when the `timeout` of Triton's clients is over, counted from now; 0 is none, as there."""
    timeout_us = 0 if said.get(TIMEOUT) is None else said[TIMEOUT]
    if type(timeout_us) is not int or timeout_us < 0:
        raise InvalidParameter(f"{TIMEOUT} is not a whole number of microseconds", f"/parameters/{TIMEOUT}")
    return time.monotonic() + timeout_us / 1e6 if timeout_us else math.inf


@cache
def _describe_fields(contract: Contract, kind: type[Parameters], *, is_grpc: bool) -> Mapping[str, str]:
    """Return what to send, by field; v1 shares the address over REST, and only the keys tell which was meant."""
    v1 = "" if is_grpc else f", or to KServe v1 {example_body(contract, 'instances', is_list=True)}"
    return {
        "": f'send {{"inputs": [{example_tensors(contract)}]}}{v1}',
        "parameters": describe_parameters(kind, contract.task),
    }


def _read_columns(tensors: Sequence[Tensor], *, is_base64: bool) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for index, tensor in enumerate(tensors):
        if tensor.name in columns:
            raise InvalidInput(f"two inputs have the name {quote(tensor.name)}", f"/inputs/{index}/name")
        columns[tensor.name] = read_column(tensor, index, is_base64=is_base64)
    return columns


def _check_outputs(outputs: Sequence[RequestedOutput], name: str) -> None:
    for index, output in enumerate(outputs):
        if output.name != name:
            raise InvalidInput(f"unknown output {quote(output.name)}; this model has {name}", f"/outputs/{index}/name")


def _read_parameters(
    values: dict[str, Any], column: Column | None, kind: type[Parameters], hints: Mapping[str, str]
) -> Parameters:
    """Read the task's parameters: the request's, or over gRPC, which has none, the tensor of that name."""
    if sequence := next((name for name in SEQUENCE if values.get(name)), None):
        raise InvalidParameter(
            f"{sequence}: no request here belongs to a sequence: leave it out", f"/parameters/{sequence}"
        )
    values = {name: value for name, value in values.items() if name not in OF_CLIENTS}
    if column is not None:
        if values:
            raise InvalidParameter("parameters are given twice, once as a tensor: send only one", "/parameters")
        values = _decode_parameters(column)
    parameters: Parameters = convert(values, kind, hints, pointer="/parameters")
    return parameters


def _decode_parameters(column: Column) -> Any:
    place = f"/inputs/{column.index}/data"
    if len(column.strings) != 1:
        raise InvalidParameter("parameters: the tensor of this name holds one string, a JSON object", place)
    return decode_json(column.strings[0].encode(), IN_A_TENSOR, name="the tensor parameters")
