"""The native door: POST /predictions/{model}, /explanations/{model}, and TorchServe's gRPC Predictions alike.

`body` is JSON `{"inputs": ..., "parameters": {...}}` or, as text/plain, one text; `data` (a form field, or a
gRPC input) is one text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from ..contract import Contract
from ..errors import InvalidInput, InvalidParameter, NotParseable, RequestError, UnsupportedMedia
from ..inputs import TextInput, to_text_input, to_text_inputs
from ..parameters import EncodingFormat, ExplanationParameters, Parameters
from ..payload import ModelIdentity, Prediction, Request, Response
from ..wire import convert, quote
from .advice import JSON, TEXT, Advice, advise_native
from .body import FORMS, Envelope, decode_json, decode_text, is_plainly_text, is_rest, read_envelope, require_bytes
from .call import Call, count_headers, encode_error, encoding_of, format_value, refuse
from .typed import body_type, describe_fields, parameters_of, read_body

FIELDS = ("body", "data")
OF_HUB = frozenset({"truncate", "truncation_direction", "normalize", "options"})
CHECK = "; a deep check is GET /predictions/{model}/{version}/check"
ASKED = frozenset({"inputs", "instances", "input"})  # keys of a body that some door reads, and what stands beside them
BESIDES = frozenset({"parameters", "id", "outputs", "model", "encoding_format", "dimensions", "user"})


def body_of(contract: Contract, *, explains: bool) -> Any:
    """Return the type of a request's body."""
    return body_type(contract, "inputs", "Request", explains=explains, takes_one=True)


@dataclass(frozen=True, slots=True)
class NativeReply:
    """The result of one input, or a list of results for a list."""

    is_list: bool = False
    encoding: EncodingFormat = EncodingFormat.FLOAT

    def format_predictions(self, predictions: Sequence[Prediction]) -> Response:
        """Write a 200 with the results in order."""
        values = [prediction.value for prediction in predictions]
        return format_value(values if self.is_list else values[0], count_headers(predictions), self.encoding)

    def format_error(self, error: RequestError) -> Response:
        """Write the error object as it is."""
        return refuse(error, encode_error(error))


def open_call(fields: Mapping[str, object], headers: Mapping[str, object], model: ModelIdentity) -> Call:
    """Read a request from the fields that TorchServe makes of it; RequestError says what is wrong with it."""
    explains = headers.get("explain") == "True"
    kind = parameters_of(model.contract, explains=explains)
    advice = advise_native(model.contract, is_rest=is_rest(headers))
    envelope = read_envelope(headers)
    _check_fields(fields, envelope, advice)
    if "data" in fields:
        return _one_text(fields["data"], Reading(model.contract, kind, advice, Envelope(media=TEXT)), "`data`")
    body = require_bytes(fields["body"])
    reading = Reading(model.contract, kind, advice, envelope)
    if not body:
        raise NotParseable(f"the body is empty: send {advice.both}{CHECK if is_rest(headers) else ''}")
    if envelope.media == TEXT:
        return _one_text(body, reading, "the text")
    if envelope.media != JSON:
        raise UnsupportedMedia(f"content-type {quote(envelope.media)} is not read here: send {advice.both}")
    if advice.text and advice.has_curl and not envelope.is_typed and is_plainly_text(body):
        # curl -T FILE, as TorchServe's examples send a text
        return _one_text(body, replace(reading, envelope=Envelope(media=TEXT)), "the text")
    return open_value(decode_json(body, advice, envelope), model.contract, kind)


def _check_fields(fields: Mapping[str, object], envelope: Envelope, advice: Advice) -> None:
    """Refuse a form of other fields than `data`; of JSON in a form TorchServe leaves nothing, or pieces as names."""
    is_form = envelope.media in FORMS
    taken = FIELDS if not is_form else FIELDS[1:]
    unknown = next((name for name in fields if name not in taken), None)
    if not fields and not advice.has_curl:
        raise InvalidInput(f"the call has no input: send {advice.both}")
    if not fields or (unknown is not None and is_form and unknown.lstrip()[:1] in ("{", "[")):
        raise UnsupportedMedia(f"the body arrived as a form, as curl -d sends it by itself: send {advice.both}")
    if unknown is not None and advice.has_curl:
        raise InvalidInput(
            f"the body is a form with the field {quote(unknown)}, and of a form only `data` is read, one text: send "
            f"{advice.json}; with requests that is json=, not data="
        )
    if unknown is not None:
        raise InvalidInput(f"unknown input {quote(unknown)}: send {advice.both}")
    if len(fields) > 1:
        raise InvalidInput("both `body` and `data` were sent: send one of them")


def open_value(value: object, contract: Contract, kind: type[Parameters] | None = None) -> Call:
    """Read a body's JSON; `kind` is what `parameters` are, those of the task by default."""
    kind = kind or contract.parameters
    if call := _open_bare(value, contract, kind):
        return call
    hints = describe_fields(contract, kind, inputs="inputs")
    _refuse_beside(value, kind)
    body = read_body(value, "inputs", body_of(contract, explains=kind is ExplanationParameters), hints)
    is_list = isinstance(body.inputs, list)
    inputs = to_text_inputs(body.inputs, "/inputs") if is_list else (to_text_input(body.inputs, "/inputs"),)
    reply = NativeReply(is_list, encoding_of(body.parameters))
    return Call(item=Request(inputs=inputs, parameters=body.parameters), reply=reply)


def _open_bare(value: object, contract: Contract, kind: type[Parameters]) -> Call | None:
    """Read a body that is an input itself, or a text as `data`, as TorchServe's examples send them; None for others."""
    if not isinstance(value, dict) or not value or kind.example:
        return None
    if value.keys() == {"data"} and isinstance(value["data"], str) and contract.takes_string:
        source = TextInput(text=value["data"], param="/data")
    elif value.keys() <= set(contract.keys):
        source = to_text_input(convert(value, contract.input_object, {"": contract.describe_input()}), "")
    else:
        return None
    return Call(item=Request(inputs=(source,), parameters=kind(), param=""), reply=NativeReply())


def _refuse_beside(value: object, kind: type[Parameters]) -> None:
    """Say where a key goes that stands beside the inputs at another door, or in one's requests."""
    for key in value if isinstance(value, dict) else ():
        if key in kind.__struct_fields__:
            raise InvalidParameter(
                f'{key} stands beside the inputs: put it among the parameters ("parameters": {{"{key}": ...}})',
                f"/{key}",
            )
        if key in OF_HUB:
            raise InvalidInput(
                f"unknown key {quote(key)}, which huggingface_hub's InferenceClient sends: give it the base_url "
                "/predictions/{model}/{version}/hf",
                f"/{key}",
            )


def _one_text(value: object, reading: "Reading", name: str) -> Call:
    if isinstance(value, bytes | bytearray):
        value = decode_text(value, reading.advice, reading.envelope, name)
    if not isinstance(value, str):
        raise InvalidInput(f"{name} is not a text: send {reading.advice.both}")
    _refuse_request(value, reading.advice, name)
    try:
        call = open_value({"inputs": value}, reading.contract, reading.kind)
    except RequestError as error:
        raise type(error)(f"{error.message}; a text alone is not enough: send {reading.advice.json}") from None
    assert isinstance(call.item, Request)
    (source,) = call.item.inputs
    return replace(call, item=replace(call.item, inputs=(replace(source, param=""),), param=""))


def _refuse_request(text: str, advice: Advice, name: str) -> None:
    """Refuse a text that is a whole request: JavaScript's fetch calls JSON text/plain, TorchServe's clients `data`.

    Read as a text it would be answered, wrongly and without a word; read as a request, a text could set parameters.
    """
    if text.lstrip()[:1] != "{":
        return
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return
    if (keys := ASKED & set(value)) and set(value) <= ASKED | BESIDES:
        raise InvalidInput(
            f"{name} would be read as one text, and is a JSON object with {quote(min(keys))}: send {advice.json}; if "
            "it is meant as a text, it is a string there"
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """What a body is read by."""

    contract: Contract
    kind: type[Parameters]
    advice: Advice
    envelope: Envelope
