"""What a server answers, whatever protocol carried it: results, or an error. Imports no client library."""

from typing import TypedDict, cast

import msgspec

from .errors import RequestFailed


class Label(TypedDict):
    """A label of the model and its score."""

    label: str
    score: float


Result = list[float] | Label | list[Label]
"""An embedding, the best label, or several labels, best first: what the model's task gives for one text."""

_WireResult = list[float | Label] | Label  # the same to msgspec, which takes one list type only


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


def decode_result(body: bytes) -> Result:
    """One text's result; ValueError when the bytes are none."""
    return cast(Result, _RESULT.decode(body))


def decode_results(body: bytes) -> list[Result]:
    """A list's results; ValueError when the bytes are none."""
    return cast(list[Result], _RESULTS.decode(body))


def decode_error(body: bytes) -> ServerError:
    """An error's body; ValueError when the bytes are none."""
    return _ERROR.decode(body)


_RESULT = msgspec.json.Decoder(_WireResult)
_RESULTS = msgspec.json.Decoder(list[_WireResult])
_ERROR = msgspec.json.Decoder(ServerError)
