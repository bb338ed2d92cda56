"""One request as a door has read it, and what all doors share in answering. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt
import orjson

from ..contract import Contract
from ..errors import OTHER_TASK_STATUS, RequestError, ResponseTooLarge, UnknownPath
from ..parameters import EncodingFormat, Parameters
from ..payload import Item, Prediction, Response
from ..vectors.sparse import SparseList, SparseVector
from .paths import Form, tei_error_type


class Reply(Protocol):
    """The way in which a door writes what became of one of its requests."""

    def format_predictions(self, predictions: Sequence[Prediction]) -> Response:
        """Write a 200 with one result for each input, in order."""

    def format_error(self, error: RequestError) -> Response:
        """Write the error's own status, and the error object in the form that the door's clients expect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as a door has read it, and the reply that writes its answer."""

    item: Item
    reply: Reply


def list_values(predictions: Sequence[Prediction]) -> list[object]:
    """Return the results alone, in order."""
    return [prediction.value for prediction in predictions]


def only_value(predictions: Sequence[Prediction]) -> object:
    """Return the result of a request's one input."""
    (only,) = predictions
    return only.value


@dataclass(frozen=True, slots=True, kw_only=True)
class FormedReply:
    """The reply of a protocol that has its own way to lay out results, and one of the known forms of errors."""

    form: Form
    make: Callable[[Sequence[Prediction]], object] = list_values
    """Lays out the results of a request."""
    words: Mapping[str, str] = field(default_factory=dict)
    """What the protocol says instead of native words in a message."""

    def format_predictions(self, predictions: Sequence[Prediction]) -> Response:
        """Write a 200 with the results as they are laid out."""
        return format_value(self.make(predictions), count_headers(predictions))

    def format_error(self, error: RequestError) -> Response:
        """Write the error in the protocol's form and words."""
        for native, own in self.words.items():
            error.message = error.message.replace(native, own)
        match self.form:
            case Form.OPENAI:
                return refuse(error, {"error": encode_error(error)})
            case Form.COHERE:
                return refuse(error, {"message": error.message, "detail": error.message})
            case Form.TEI:
                return _refuse_as_tei(error)
            case Form.V2:
                return refuse(error, {"error": error.message})
            case Form.NATIVE:
                return refuse(error, encode_error(error))


def _refuse_as_tei(error: RequestError) -> Response:
    """Write TEI's object; a model of another task is a 424 there."""
    is_other_task = isinstance(error, UnknownPath)
    kind = tei_error_type(OTHER_TASK_STATUS if is_other_task else error.status)
    response = refuse(error, {"error": error.message, "error_type": kind})
    return replace(response, status=OTHER_TASK_STATUS, phrase="Failed Dependency") if is_other_task else response


def set_parameters(contract: Contract, **values: object) -> Parameters:
    """Return a task's parameters with these values, which their door has checked, and its defaults."""
    parameters: Parameters = msgspec.convert(values, contract.parameters)
    return parameters


def encoding_of(parameters: Parameters) -> EncodingFormat:
    """Return how a request wants its vectors; only those of embeddings may say so."""
    encoding: EncodingFormat = getattr(parameters, "encoding_format", EncodingFormat.FLOAT)
    return encoding


def count_headers(predictions: Sequence[Prediction]) -> dict[str, str]:
    """Return what the engine did for a request, as response headers."""
    headers = {"x-compute-tokens": str(count_tokens(predictions))}
    if cut := find_truncated(predictions):
        headers["x-truncated"] = ",".join(map(str, cut))
    return headers


def find_truncated(predictions: Sequence[Prediction]) -> list[int]:
    """Return the places of the inputs of which something was cut."""
    return [place for place, prediction in enumerate(predictions) if prediction.is_truncated]


def say_truncated(predictions: Sequence[Prediction]) -> dict[str, list[int]]:
    """Return `truncated` for an answer that is an object: those places; no such field where nothing was cut."""
    return {"truncated": cut} if (cut := find_truncated(predictions)) else {}


def count_tokens(predictions: Iterable[Prediction]) -> int:
    """Count the tokens that the model read for a request."""
    return sum(prediction.num_tokens for prediction in predictions)


def count_usage(predictions: Iterable[Prediction]) -> dict[str, int]:
    """Return the tokens that the model read, as OpenAI and those who follow it call them."""
    num_tokens = count_tokens(predictions)
    return {"prompt_tokens": num_tokens, "total_tokens": num_tokens}


def encode_error(error: RequestError) -> dict[str, object]:
    """Return an error as the object that every door sends; code is the HTTP status, type the class's name."""
    return {"code": error.status, "type": type(error).__name__, "message": error.message, "param": error.param}


def format_value(
    value: object, headers: dict[str, str] | None = None, encoding: EncodingFormat = EncodingFormat.FLOAT
) -> Response:
    """Write a 200 with any JSON value, in which an array of float32 stands for its numbers, or for its bytes."""
    body = ENCODERS[encoding].encode(value)
    return Response(status=200, phrase="OK", body=body, headers=headers or {})


def encode_value(value: object) -> bytes:
    """Write any JSON value alone, in which an array stands for its numbers."""
    return ENCODERS[EncodingFormat.FLOAT].encode(value)


def refuse(error: RequestError, value: object) -> Response:
    """Write the error's own status, with `value` as the body."""
    body, headers = msgspec.json.encode(value), dict(error.headers)
    return Response(status=error.status, phrase=error.phrase, body=body, headers=headers)


def _to_json(value: object) -> object:
    """Write an array's numbers with as many digits as tell a float32 from its neighbours."""
    if isinstance(value, SparseVector | SparseList):
        return value.to_json()
    return msgspec.Raw(orjson.dumps(_contiguous(value), option=orjson.OPT_SERIALIZE_NUMPY))


def _to_bytes(value: object) -> object:
    """Return an array's bytes as they lie in memory; msgspec writes them in base64."""
    if isinstance(value, SparseVector | SparseList):
        return value.to_json()
    if isinstance(value, np.ndarray) and value.ndim > 1:
        return list(value)
    return _contiguous(value).astype("<f4", copy=False).data


def _contiguous(value: object) -> npt.NDArray[np.float32]:
    if not isinstance(value, np.ndarray):
        raise NotImplementedError(f"{type(value).__name__} in an answer")
    return np.ascontiguousarray(value)


ENCODERS = {
    EncodingFormat.FLOAT: msgspec.json.Encoder(enc_hook=_to_json),
    EncodingFormat.BASE64: msgspec.json.Encoder(enc_hook=_to_bytes),
}


def limit_size(response: Response, reply: Reply, max_bytes: int) -> Response:
    """Return the response, or an error where it is too large: TorchServe's frontend would kill the worker for it."""
    if len(response.body) <= max_bytes:
        return response
    return reply.format_error(
        ResponseTooLarge(
            f"the answer has {len(response.body)} bytes, more than the server's max_response_size of {max_bytes}: "
            "send fewer inputs in one request"
        )
    )
