"""What a server is sent and what it answers, whatever protocol carries it. Imports no client library."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from ..errors import RequestFailed, UsageError

Input = str | Mapping[str, object]
"""A text, or an object where the model's task takes one: {"question", "context"}."""
Parameters = Mapping[str, object]
"""What a request sets for all of its inputs: {"top_k": 3}."""
JsonObject = dict[str, Any]
Result = list[float] | JsonObject | list[JsonObject] | list[list[JsonObject]]
"""What the model's task gives for one input, as docs/api.md has it: an embedding; a label, an answer or labels with
their scores; a list of such objects, perhaps empty; a list of lists for a text with several masks."""

_WireResult = list[float | JsonObject | list[JsonObject]] | JsonObject  # to msgspec, which takes one list type only


class ServerError(msgspec.Struct, frozen=True, kw_only=True):
    """An error as berth's handler and TorchServe's frontend write it."""

    code: int
    type: str
    message: str
    param: str | None = None
    """JSON pointer into the request."""

    def to_exception(self) -> RequestFailed:
        """The error, to raise."""
        return RequestFailed(self.message, code=self.code, type=self.type, param=self.param)


def make_body(inputs: Input | Sequence[Input], parameters: Parameters | None) -> JsonObject:
    """The native request for one input or a list."""
    is_one = isinstance(inputs, str | Mapping)
    body: JsonObject = {"inputs": _plain(inputs) if is_one else [_plain(source) for source in inputs]}
    return body if parameters is None else {**body, "parameters": _plain(parameters)}


def _plain(value: object) -> object:
    """json knows no mapping but dict."""
    return dict(value) if isinstance(value, Mapping) else value


def to_json(body: object) -> str:
    """As it is sent; UsageError for what JSON has no word for."""
    try:
        return json.dumps(body, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError(f"an input or a parameter is no JSON: {error}") from error


def decode_result(body: bytes) -> Result:
    """One input's result; ValueError when the bytes are none."""
    return cast(Result, _RESULT.decode(body))


def decode_results(body: bytes, count: int) -> list[Result]:
    """The results of `count` inputs; ValueError when the bytes are none, or of another number."""
    results = _RESULTS.decode(body)
    if len(results) != count:
        raise ValueError(f"{len(results)} results for {count} inputs")
    return cast(list[Result], results)


def decode_error(body: bytes) -> ServerError:
    """An error's body; ValueError when the bytes are none."""
    return _ERROR.decode(body)


_RESULT = msgspec.json.Decoder(_WireResult)
_RESULTS = msgspec.json.Decoder(list[_WireResult])
_ERROR = msgspec.json.Decoder(ServerError)
