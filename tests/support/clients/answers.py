"""What every client makes of an answer, and the form of each door's errors."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

ERROR_KEYS = ("code", "type", "message", "param")
ANSWER_TIMEOUT_S = 120.0  # a worker that is busy with other tests


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model, and the server that it is asked of."""

    name: str
    url: str
    grpc_address: str
    version: str = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Results or an error, through whichever door they came."""

    status: int
    """The HTTP status; over gRPC the error's code, or 200."""
    results: list[Any] | None = None
    error: dict[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers with names in lower case; none over gRPC, nor from a client that had to ask several times."""


Asking = Callable[[Model, list[Any], Mapping[str, Any]], Answer]
"""Asks a model for a list of native inputs with parameters."""


def bare_error(value: Any) -> dict[str, Any]:
    """Check an error of the native doors: the contract's object and nothing else."""
    assert list(value) == list(ERROR_KEYS), value
    code, kind, message, param = value.values()
    assert isinstance(code, int), value
    assert isinstance(kind, str), value
    assert isinstance(message, str), value
    assert param is None or isinstance(param, str), value
    return dict(value)


def error_with_message(value: Any) -> dict[str, Any]:
    """Check an error of KServe's REST doors, which has the message once more as `error`, last."""
    *rest, (key, message) = value.items()
    error = bare_error(dict(rest))
    assert (key, message) == ("error", error["message"])
    return error


def wrapped_error(value: Any) -> dict[str, Any]:
    """Check an error of OpenAI's door."""
    assert list(value) == ["error"], value
    return bare_error(value["error"])


def refused(error: dict[str, Any]) -> Answer:
    """The answer of a door that carries no status."""
    return Answer(status=error["code"], error=error)


def merge(answers: Iterable[Answer]) -> Answer:
    """Make one answer of the answers to parts of a list; it is the first error if there is any."""
    listed = list(answers)
    if len(listed) == 1:
        return listed[0]
    for answer in listed:
        if answer.error is not None:
            return answer
    return Answer(status=200, results=[result for answer in listed for result in answer.results or []])
