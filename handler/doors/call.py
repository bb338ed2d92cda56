"""One request as a door has read it, and what all doors share in answering. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt
import orjson

from ..errors import RequestError, ResponseTooLarge
from ..parameters import EncodingFormat, Parameters
from ..payload import Item, Prediction, Response


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


def encoding_of(parameters: Parameters) -> EncodingFormat:
    """Return how a request wants its vectors; only those of embeddings may say so."""
    encoding: EncodingFormat = getattr(parameters, "encoding_format", EncodingFormat.FLOAT)
    return encoding


def count_headers(predictions: Sequence[Prediction]) -> dict[str, str]:
    """Return what the engine did for a request, as response headers."""
    headers = {"x-compute-tokens": str(count_tokens(predictions))}
    if cut := [str(index) for index, prediction in enumerate(predictions) if prediction.is_truncated]:
        headers["x-truncated"] = ",".join(cut)
    return headers


def count_tokens(predictions: Iterable[Prediction]) -> int:
    """Count the tokens that the model read for a request."""
    return sum(prediction.num_tokens for prediction in predictions)


def encode_error(error: RequestError) -> dict[str, object]:
    """Return an error as the object that every door sends; code is the HTTP status, type the class's name."""
    return {"code": error.status, "type": type(error).__name__, "message": error.message, "param": error.param}


def format_value(
    value: object, headers: dict[str, str] | None = None, encoding: EncodingFormat = EncodingFormat.FLOAT
) -> Response:
    """Write a 200 with any JSON value, in which an array of float32 stands for its numbers, or for its bytes."""
    body = ENCODERS[encoding].encode(value)
    return Response(status=200, phrase="OK", body=body, headers=headers or {})


def refuse(error: RequestError, value: object) -> Response:
    """Write the error's own status, with `value` as the body."""
    body, headers = msgspec.json.encode(value), dict(error.headers)
    return Response(status=error.status, phrase=error.phrase, body=body, headers=headers)


def _to_json(value: object) -> msgspec.Raw:
    """Write an array's numbers with as many digits as tell a float32 from its neighbours."""
    return msgspec.Raw(orjson.dumps(_contiguous(value), option=orjson.OPT_SERIALIZE_NUMPY))


def _to_bytes(value: object) -> memoryview:
    """Return an array's bytes as they lie in memory; msgspec writes them in base64."""
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
