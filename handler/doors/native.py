"""The native door: POST /predictions/{model}, and TorchServe's gRPC Predictions with the same fields.

`body` is JSON `{"inputs": ..., "parameters": {...}}` or, as text/plain, one text; `data` (a form field, or a
gRPC input) is one text; a `body` of zero bytes asks for the deep check.
"""

from collections.abc import Mapping, Sequence
from email.message import Message

import msgspec

from ..config import Task
from ..errors import InvalidInput, NotParseable, RequestError, UnknownPath, UnsupportedMedia
from ..payload import (
    TASK_PARAMETERS,
    DeepCheck,
    Parameters,
    Prediction,
    Rejected,
    Request,
    Response,
    TextInput,
    encode_error,
    join_pointer,
    parse_inputs,
    parse_parameters,
)

SEND_JSON = 'send content-type: application/json with {"inputs": "your text"}'


def parse_request(
    fields: Mapping[str, object], headers: Mapping[str, object], task: Task
) -> Request | DeepCheck | Rejected:
    """One request as TorchServe hands it over: fields by name, and the request's headers."""
    try:
        if path := headers.get("url_path"):
            raise UnknownPath(f"there is nothing at {path!r}: send predictions to /predictions/{{model}}")
        if headers.get("explain") == "True":
            raise UnknownPath("this model has no explanations: send predictions to /predictions/{model}")
        return _parse_fields(fields, headers, task)
    except RequestError as error:
        return Rejected(error)


def _parse_fields(fields: Mapping[str, object], headers: Mapping[str, object], task: Task) -> Request | DeepCheck:
    if not fields:
        raise UnsupportedMedia(f"the body arrived as an empty form: {SEND_JSON}")
    if len(fields) > 1 or not fields.keys() & {"body", "data"}:
        unknown = next(name for name in fields if name not in ("body", "data"))
        raise InvalidInput(f"unknown field {unknown!r}: {SEND_JSON}")
    if "data" in fields:
        return _one_text(fields["data"], task)
    return _parse_body(fields["body"], headers, task)


def _parse_body(body: object, headers: Mapping[str, object], task: Task) -> Request | DeepCheck:
    if not isinstance(body, bytes | bytearray):
        return _parse_native(body, task)  # decode_input_request=true: the worker has already read the JSON
    if not body:
        return DeepCheck()
    media = _media_type(headers)
    if media == "text/plain":
        return _one_text(body, task)
    if media != "application/json":
        raise UnsupportedMedia(f"content-type {media!r} is not read here: {SEND_JSON}")
    return _parse_native(_decode_json(body), task)


def _media_type(headers: Mapping[str, object]) -> str:
    """The body's media type. gRPC has no headers; its `body` is JSON, and so is one that does not say."""
    value = next((value for name, value in headers.items() if name.lower() == "content-type"), "application/json")
    message = Message()
    message["content-type"] = str(value)
    charset = message.get_content_charset("utf-8")
    if charset not in ("utf-8", "us-ascii"):
        raise UnsupportedMedia(f"charset {charset!r} is not read here: send UTF-8")
    return message.get_content_type()


def _decode_json(body: bytes | bytearray) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotParseable(f"the body is not JSON: {error}") from None


def _parse_native(value: object, task: Task) -> Request:
    if not isinstance(value, dict) or "inputs" not in value:
        raise InvalidInput('the body is JSON without "inputs": send {"inputs": "your text"}')
    if unknown := [key for key in value if key not in ("inputs", "parameters")]:
        raise InvalidInput(
            f"unknown key {unknown[0]!r}; a request has inputs and parameters", join_pointer("", unknown[0])
        )
    return Request(
        inputs=parse_inputs(value["inputs"], task),
        is_list=isinstance(value["inputs"], list),
        parameters=parse_parameters(value.get("parameters", {}), task),
    )


def _one_text(value: object, task: Task) -> Request:
    if isinstance(value, bytes | bytearray):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise NotParseable(f"the text is not UTF-8: {error}") from None
    if not isinstance(value, str):
        raise InvalidInput("`data` is not a text")
    parameters: Parameters = TASK_PARAMETERS[task]()
    return Request(inputs=(TextInput(text=value, param=""),), is_list=False, parameters=parameters)


def format_predictions(predictions: Sequence[Prediction], *, is_list: bool) -> Response:
    """200: one result for one input, a list for a list, in order."""
    values = [prediction.value for prediction in predictions]
    headers = {"x-compute-tokens": str(sum(prediction.num_tokens for prediction in predictions))}
    if cut := [str(index) for index, prediction in enumerate(predictions) if prediction.is_truncated]:
        headers["x-truncated"] = ",".join(cut)
    return Response(
        status=200, phrase="OK", body=msgspec.json.encode(values if is_list else values[0]), headers=headers
    )


def format_error(error: RequestError) -> Response:
    """The error's own status and the contract's object."""
    return Response(status=error.status, phrase=error.phrase, body=msgspec.json.encode(encode_error(error)), headers={})
