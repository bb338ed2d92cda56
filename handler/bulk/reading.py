"""What the model would read of rows: the archive's tokenizer and limits, without the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ..admission import accept, count_texts, refuse_too_many
from ..config import HandlerConfig
from ..contract import Contract
from ..errors import RequestError
from ..payload import Request
from ..tasks import TASKS
from ..text.passages import Passages
from ..text.tokenization import Encoded, Tokenizer
from ..worker.startup import die_first, quiet_logs
from ..worker.versions import check_versions
from .requests import RowRequests


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRow:
    """How much of a row the model would read, each pair and each window counted."""

    num_tokens: int
    num_tokens_uncut: int
    """Special ones included, as if nothing were cut."""
    num_unknown: int
    """Of those that it reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowReader:
    """A loaded tokenizer and the parameters that hold for all rows."""

    _requests: RowRequests
    _config: HandlerConfig
    _tokenizer: Tokenizer

    @property
    def contract(self) -> Contract:
        """What the task takes."""
        return self._requests.contract

    @classmethod
    def load(cls, folder: Path, section: object, parameters: Mapping[str, object]) -> Self:
        """Load the tokenizer of an unpacked archive; `section`: `handler` in its model-config.yaml.

        RequestError for parameters that no request may have.
        """
        die_first()
        config = HandlerConfig.from_mapping(section)
        check_versions(config.requires, folder / "requirements.txt")
        quiet_logs()
        kind = TASKS[config.task]
        requests = RowRequests.open(kind, parameters)
        return cls(_requests=requests, _config=config, _tokenizer=Tokenizer(folder / "checkpoint"))

    def describe(self) -> dict[str, object]:
        """Say what is read: the task, and the most tokens that the model reads at once."""
        return {"task": str(self.contract.task), "max_tokens": self._config.max_tokens}

    def read(self, values: Sequence[object]) -> list[ReadRow | RequestError]:
        """Read one row each, in order; an error is that which a request with this row would get."""
        requests = [self._requests.read(value) for value in values]
        plans = [self._plan(each) if isinstance(each, Request) else each for each in requests]
        encoded = iter(self._tokenizer.encode([plan for plan in plans if isinstance(plan, Passages)]))
        return [
            self._conclude(request, next(encoded)) if isinstance(plan, Passages) else plan
            for request, plan in zip(requests, plans, strict=True)
        ]

    def _plan(self, request: Request) -> Passages | RequestError:
        kind: Any = TASKS[self._config.task]
        try:
            plan: Passages = kind.plan(request.inputs[0], request.parameters, self._config)
        except RequestError as error:
            return error
        return refuse_too_many(request, count_texts(request.inputs[0], len(plan.pairs))) or plan

    def _conclude(self, request: Request | RequestError, encoded: Encoded) -> ReadRow | RequestError:
        assert isinstance(request, Request)
        accepted = accept(request, [encoded], self._config)
        if isinstance(accepted, RequestError):
            return accepted
        (pending,) = accepted
        unknown = self._tokenizer.hf.unk_token_id
        return ReadRow(
            num_tokens=pending.num_tokens,
            num_tokens_uncut=sum(text.num_tokens_uncut for text in pending.texts),
            num_unknown=0 if unknown is None else sum(text.count(unknown) for text in pending.texts),
        )
