"""What a server is sent, what it answers and what is said when it does not, over any protocol.

Imports no client library.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import msgspec

from ..errors import BerthError, ConnectionBroken, RequestFailed, UsageError

Input = str | Mapping[str, object]
"""A text, or an object if the model's task takes one: {"question", "context"}."""
Parameters = Mapping[str, object]
"""What a request sets for all of its inputs: {"top_k": 3}."""
JsonObject = dict[str, Any]
Result = list[float] | str | JsonObject | list[JsonObject] | list[list[JsonObject]]
"""What the model's task gives for one input (docs/api.md): an embedding, or its base64 if asked for; a label, an
answer, or labels with their scores; a list of such objects, perhaps empty; a list of lists for several masks."""
Model = str | None
"""A model's name; None: the only one that the server has."""
MAX_QUOTED = 200  # characters, or bytes, of an answer that is not berth's
ANSWER_TIMEOUT_S = 300.0  # longer than model-config.yaml's responseTimeout, after which the server gives up

_WireResult = list[float | JsonObject | list[JsonObject]] | str | JsonObject  # of a list msgspec's unions hold one type


class Results(list[Result]):
    """A list of one result per input, in order, which also knows what was cut."""

    def __init__(self, results: Iterable[Result] = (), truncated: Iterable[int] = ()) -> None:
        super().__init__(results)
        self.truncated = list(truncated)
        """The indices of the inputs that were longer than the model takes, of which it read a part."""

    def add(self, others: "Results") -> None:
        """Put the results of further inputs at the end."""
        self.truncated += (len(self) + index for index in others.truncated)
        self.extend(others)


class ServerError(msgspec.Struct, frozen=True, kw_only=True):
    """An error, as berth's handler and TorchServe's frontend write it."""

    code: int
    type: str
    message: str
    param: str | None = None
    """A JSON pointer into the request."""

    def to_exception(self) -> RequestFailed:
        """This error as an exception."""
        return RequestFailed(self.message, code=self.code, type=self.type, param=self.param)


def make_body(source: Input, parameters: Parameters | None) -> JsonObject:
    """The native door's request for one input; both are plain JSON values (`inputs.py`)."""
    body: JsonObject = {"inputs": source}
    return body if parameters is None else {**body, "parameters": parameters}


def decode_result(body: bytes) -> Result:
    """The result of one input; ValueError when the bytes are not one."""
    return _require_result(_RESULT.decode(body))


def _require_result(result: object) -> Result:
    """The result; ValueError for a string that is no vector in base64."""
    if isinstance(result, str):
        base64.b64decode(result, validate=True)
    return cast(Result, result)


def decode_results(body: bytes, count: int, truncated: str | None = None) -> Results:
    """The results of `count` inputs; ValueError when the bytes are not that many results.

    `truncated`: the header x-truncated, which has the indices of what was cut.
    """
    results = _RESULTS.decode(body)
    if len(results) != count:
        raise ValueError(f"{len(results)} results for {count} inputs")
    cut = [int(index) for index in truncated.split(",")] if truncated else []
    return Results(map(_require_result, results), cut)


def require_one(names: Sequence[str], address: str, how: str = "--model, or model=") -> str:
    """The name of the only model at this address; UsageError lists them where there are several, and says `how`."""
    if len(names) == 1:
        return names[0]
    listed = ", ".join(names) or "none"
    raise UsageError(f"the server at {address} has {len(names)} models, {listed}: name one of them ({how})")


def decode_error(body: bytes) -> ServerError:
    """The error that a body holds; ValueError when the bytes are not one."""
    return _ERROR.decode(body)


def no_answer_in_time(address: str, timeout_s: float) -> BerthError:
    """The error for a server that kept a request waiting too long."""
    return BerthError(f"{address} has not answered for {timeout_s:g} s")


def broken_connection(address: str, details: str = "") -> ConnectionBroken:
    """The error for a connection that ended before the answer came; `details` are the protocol's own words."""
    return ConnectionBroken(
        f"the connection to {address} broke while the server worked; try again, its log may say why"
        f"{f' ({details})' if details else ''}"
    )


def not_a_berth_server(address: str, answer: str) -> BerthError:
    """The error for an answer that berth cannot read."""
    return BerthError(f"{address} did not answer as a berth server does: {answer}")


_RESULT = msgspec.json.Decoder(_WireResult)
_RESULTS = msgspec.json.Decoder(list[_WireResult])
_ERROR = msgspec.json.Decoder(ServerError)
