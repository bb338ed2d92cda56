"""The native door: POST /predictions/{model}, /explanations/{model}, and TorchServe's gRPC Predictions alike.

`body` is JSON `{"inputs": ..., "parameters": {...}}` or, as text/plain, one text; `data` (a form field, or a
gRPC input) is one text; a `body` of zero bytes asks for the deep check.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..contract import Contract
from ..errors import InvalidInput, NotParseable, RequestError, UnsupportedMedia
from ..inputs import to_text_input, to_text_inputs
from ..parameters import ExplanationParameters, Parameters
from ..payload import DeepCheck, ModelIdentity, Prediction, Request, Response
from ..wire import quote
from .body import decode_json, media_type, require_bytes
from .call import Call, count_headers, encode_error, format_value, refuse
from .typed import body_type, describe_fields, parameters_of, read_body

SEND_JSON = 'send content-type: application/json with {"inputs": "your text"}'


def body_of(contract: Contract, *, explains: bool) -> Any:
    """Return the type of a request's body."""
    return body_type(contract, "inputs", "Request", explains=explains, takes_one=True)


@dataclass(frozen=True, slots=True)
class NativeReply:
    """The result of one input, or a list of results for a list."""

    is_list: bool = False

    def format_predictions(self, predictions: Sequence[Prediction]) -> Response:
        """Write a 200 with the results in order."""
        values = [prediction.value for prediction in predictions]
        return format_value(values if self.is_list else values[0], count_headers(predictions))

    def format_error(self, error: RequestError) -> Response:
        """Write the error object as it is."""
        return refuse(error, encode_error(error))


def open_call(fields: Mapping[str, object], headers: Mapping[str, object], model: ModelIdentity) -> Call:
    """Read a request from the fields that TorchServe makes of it; RequestError says what is wrong with it."""
    explains = headers.get("explain") == "True"
    kind = parameters_of(model.contract, explains=explains)
    if not fields:
        raise UnsupportedMedia(f"the body arrived as an empty form: {SEND_JSON}")
    if unknown := [name for name in fields if name not in ("body", "data")]:
        raise InvalidInput(f"unknown field {quote(unknown[0])}: {SEND_JSON}")
    if len(fields) > 1:
        raise InvalidInput("both `body` and `data` were sent: send one of them")
    if "data" in fields:
        return _one_text(fields["data"], model.contract, kind)
    body = require_bytes(fields["body"])
    if not body and not explains:
        return Call(item=DeepCheck(), reply=NativeReply())
    media = media_type(headers, SEND_JSON)
    if media == "text/plain":
        return _one_text(body, model.contract, kind)
    if media != "application/json":
        raise UnsupportedMedia(f"content-type {quote(media)} is not supported here: {SEND_JSON}")
    if not body:
        raise NotParseable(f"the body is empty: {SEND_JSON}")
    return _open_json(decode_json(body), model.contract, kind)


def _open_json(value: object, contract: Contract, kind: type[Parameters]) -> Call:
    hints = describe_fields(contract, kind, inputs="inputs", advice='send {"inputs": "your text", "parameters": {...}}')
    body = read_body(value, "inputs", body_of(contract, explains=kind is ExplanationParameters), hints)
    is_list = isinstance(body.inputs, list)
    inputs = to_text_inputs(body.inputs, "/inputs") if is_list else (to_text_input(body.inputs, "/inputs"),)
    return Call(item=Request(inputs=inputs, parameters=body.parameters), reply=NativeReply(is_list))


def _one_text(value: object, contract: Contract, kind: type[Parameters]) -> Call:
    if isinstance(value, bytes | bytearray):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise NotParseable(f"the text is not UTF-8: {error}") from None
    if not isinstance(value, str):
        raise InvalidInput("`data` is not a text")
    try:
        call = _open_json({"inputs": value}, contract, kind)
    except RequestError as error:
        hint = "a text alone is not enough: send content-type: application/json"
        raise type(error)(f"{error.message}; {hint}") from None
    assert isinstance(call.item, Request)
    (source,) = call.item.inputs
    return replace(call, item=replace(call.item, inputs=(replace(source, param=""),), param=""))
