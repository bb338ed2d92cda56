"""The native door: POST /predictions/{model}, and TorchServe's gRPC Predictions with the same fields.

`body` is JSON `{"inputs": ..., "parameters": {...}}` or, as text/plain, one text; `data` (a form field, or a
gRPC input) is one text; a `body` of zero bytes asks for the deep check.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec

from ..config import EXPLAINED_TASKS, Task
from ..errors import (
    InternalError,
    InvalidInput,
    NotParseable,
    RequestError,
    ResponseTooLarge,
    UnknownPath,
    UnsupportedMedia,
)
from ..parameters import TASK_PARAMETERS, ExplanationParameters, Parameters, parse_parameters
from ..payload import (
    DeepCheck,
    Describe,
    Parsed,
    Prediction,
    Rejected,
    Request,
    Response,
    encode_error,
    parse_inputs,
)
from ..wire import join_pointer, quote

logger = logging.getLogger(__name__)

CHARSET = re.compile(r"charset\s*=\s*\"?([^\s\";]+)")
SEND_JSON = 'send content-type: application/json with {"inputs": "your text"}'


def parse_request(fields: Mapping[str, object], headers: Mapping[str, object], task: Task) -> Parsed:
    """One request as TorchServe hands it over: fields by name, and the request's headers. Never raises."""
    try:
        if headers.get("describe") == "True" and not fields:  # a client that sends this header gets what it asks for
            return Describe()
        if path := headers.get("url_path"):
            raise UnknownPath(f"there is nothing at {quote(path)}: send predictions to /predictions/{{model}}")
        parsed = _parse_fields(fields, headers, task, _parameters_of(headers, task))
        if isinstance(parsed, DeepCheck) and headers.get("explain") == "True":
            raise NotParseable(f"the body is empty: {SEND_JSON}")
        return parsed
    except RequestError as error:
        return Rejected(error)
    except Exception:  # whatever it is, the neighbours get their answers
        logger.exception("a request could not be read")
        return Rejected(InternalError("the request could not be read; the server's log says why"))


def _parameters_of(headers: Mapping[str, object], task: Task) -> type[Parameters]:
    """What `parameters` may hold: of the task, or of an explanation of its answers."""
    if headers.get("explain") != "True":
        return TASK_PARAMETERS[task]
    if task not in EXPLAINED_TASKS:
        raise UnknownPath(
            f"there are explanations of {' and '.join(sorted(EXPLAINED_TASKS))}, and this model's task is {task}: send "
            "predictions to /predictions/{model}"
        )
    return ExplanationParameters


def _parse_fields(
    fields: Mapping[str, object], headers: Mapping[str, object], task: Task, kind: type[Parameters]
) -> Request | DeepCheck:
    if not fields:
        raise UnsupportedMedia(f"the body arrived as an empty form: {SEND_JSON}")
    if unknown := [name for name in fields if name not in ("body", "data")]:
        raise InvalidInput(f"unknown field {quote(unknown[0])}: {SEND_JSON}")
    if len(fields) > 1:
        raise InvalidInput("both `body` and `data` were sent: send one of them")
    if "data" in fields:
        return _one_text(fields["data"], task, kind)
    return _parse_body(fields["body"], headers, task, kind)


def _parse_body(body: object, headers: Mapping[str, object], task: Task, kind: type[Parameters]) -> Request | DeepCheck:
    if not isinstance(body, bytes | bytearray):
        raise InternalError("TorchServe has decoded the body: its config.properties needs decode_input_request=false")
    if not body:
        return DeepCheck()
    media = _media_type(headers)
    if media == "text/plain":
        return _one_text(body, task, kind)
    if media != "application/json":
        raise UnsupportedMedia(f"content-type {quote(media)} is not read here: {SEND_JSON}")
    return _parse_native(_decode_json(body), task, kind)


def _media_type(headers: Mapping[str, object]) -> str:
    """The body's media type. gRPC has no headers; its `body` is JSON, and so is one that does not say."""
    value = next((value for name, value in headers.items() if name.lower() == "content-type"), "application/json")
    media, _, options = str(value).lower().partition(";")
    charset = CHARSET.search(options)
    if charset and charset[1] not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMedia(f"charset {quote(charset[1])} is not read here: send UTF-8")
    return media.strip()


def _decode_json(body: bytes | bytearray) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotParseable(f"the body is not JSON: {error}") from None


def _parse_native(value: object, task: Task, kind: type[Parameters]) -> Request:
    if not isinstance(value, dict) or "inputs" not in value:
        raise InvalidInput('the body is JSON without "inputs": send {"inputs": "your text"}')
    if unknown := [key for key in value if key not in ("inputs", "parameters")]:
        raise InvalidInput(
            f"unknown key {quote(unknown[0])}; a request has inputs and parameters", join_pointer("", unknown[0])
        )
    return Request(
        inputs=parse_inputs(value["inputs"], task),
        is_list=isinstance(value["inputs"], list),
        parameters=parse_parameters(value.get("parameters", {}), kind, _subject(task, kind)),
    )


def _subject(task: Task, kind: type[Parameters]) -> str:
    return "an explanation" if kind is ExplanationParameters else task


def _one_text(value: object, task: Task, kind: type[Parameters]) -> Request:
    if isinstance(value, bytes | bytearray):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise NotParseable(f"the text is not UTF-8: {error}") from None
    if not isinstance(value, str):
        raise InvalidInput("`data` is not a text")
    try:
        (source,) = parse_inputs(value, task)
        parameters = parse_parameters({}, kind, _subject(task, kind))
    except RequestError as error:
        raise InvalidInput(
            f"{error.message}; a text alone is not enough: send content-type: application/json"
        ) from None
    return Request(inputs=(replace(source, param=""),), is_list=False, parameters=parameters)


def format_predictions(predictions: Sequence[Prediction], *, is_list: bool) -> Response:
    """200: one result for one input, a list for a list, in order."""
    values = [prediction.value for prediction in predictions]
    headers = {"x-compute-tokens": str(sum(prediction.num_tokens for prediction in predictions))}
    if cut := [str(index) for index, prediction in enumerate(predictions) if prediction.is_truncated]:
        headers["x-truncated"] = ",".join(cut)
    return format_value(values if is_list else values[0], headers)


def format_value(value: object, headers: dict[str, str] | None = None) -> Response:
    """200 and any JSON value."""
    return Response(status=200, phrase="OK", body=msgspec.json.encode(value), headers=headers or {})


def format_error(error: RequestError) -> Response:
    """The error's own status and the contract's object."""
    body = msgspec.json.encode(encode_error(error))
    return Response(status=error.status, phrase=error.phrase, body=body, headers={})


def limit_size(response: Response, max_bytes: int) -> Response:
    """The response, or an error in its place: TorchServe's frontend kills a worker that answers with more."""
    if len(response.body) <= max_bytes:
        return response
    return format_error(
        ResponseTooLarge(
            f"the answer has {len(response.body)} bytes, more than the server's max_response_size of {max_bytes}: "
            "send fewer inputs in one request"
        )
    )
