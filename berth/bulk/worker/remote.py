"""A running server in the place of the archive's engine: what a worker asks and is told is the same."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from handler.config import Task
from handler.tasks import TASKS

from ...clients.inputs import plain_input
from ...clients.many import AT_ONCE, Answer, Many
from ...clients.messages import Input, ServerError
from ...clients.rest_client import RestClient
from ...errors import RequestFailed, UsageError
from ..job import Server
from ..messages import RowError

PROBE = "a"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteContract:
    """What handler.contract.Contract says of a task."""

    task: str
    """What decides the type of the results; "json" for vectors that the server writes in another form than numbers."""
    keys: tuple[str, ...]
    wanted: str
    takes_string: bool

    def describe_input(self) -> str:
        """Say what the task takes."""
        return self.wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteAnswer:
    """What handler.payload.Prediction says of a row; only the server knows how many tokens it has."""

    value: Any
    is_truncated: bool = False
    num_tokens: int | None = None


class RemoteEngine:
    """Has the methods of handler.bulk.rows.RowEngine that a worker uses."""

    def __init__(self, server: Server, contract: RemoteContract, first: RemoteAnswer, many: Many) -> None:
        self.contract, self.first = contract, first
        self._server, self._many = server, many

    @classmethod
    def connect(cls, server: Server, parameters: Mapping[str, object]) -> Self:
        """Ask for one answer, whose form is that of all; UsageError for parameters that no request may have."""
        kind = TASKS[Task(str(server.facts["task"]))]
        client = RestClient(server.url, max_kept=AT_ONCE)
        many = Many(client, parameters or None, server.model)
        source: dict[str, object] = {key: [PROBE] if key == "texts" else PROBE for key in kind.keys}
        try:
            (answer,) = many.answers([source])
        except RequestFailed as error:
            if (error.param or "").startswith("/parameters"):
                raise UsageError(f"--parameters: {error.message}") from error
            raise
        first = RemoteAnswer(value=_to_value(answer.result))
        is_other = kind.task is Task.EMBEDDINGS and not isinstance(first.value, np.ndarray)
        contract = RemoteContract(
            task="json" if is_other else str(kind.task),
            keys=kind.keys,
            wanted=kind.describe_input(),
            takes_string=kind.takes_string,
        )
        return cls(server, contract, first, many)

    def describe(self) -> dict[str, object]:
        """What runs there."""
        return dict(self._server.facts)

    def answer(self, values: Sequence[object]) -> list[RemoteAnswer | RowError]:
        """Answer one row each, in order."""
        return [_to_row(answer) for answer in self._many.answers(_plain(values))]


def _plain(values: Sequence[object]) -> Iterator[Input | ServerError]:
    """Values as a request may have them."""
    for value in values:
        try:
            yield plain_input(value, "the row")
        except UsageError as error:
            yield ServerError(code=400, type="InvalidInput", message=str(error))


def _to_row(answer: Answer) -> RemoteAnswer | RowError:
    if error := answer.error:
        return RowError(code=error.code, type=error.type, message=error.message)
    return RemoteAnswer(value=_to_value(answer.result), is_truncated=answer.is_truncated)


def _to_value(result: Any) -> Any:
    """A vector as an array of float32, which it was before it was written; all else as it came."""
    is_vector = isinstance(result, list) and result and isinstance(result[0], float)
    return np.asarray(result, np.float32) if is_vector else result
