"""Rows to answers: the engine that the worker loads, asked by whoever brings a whole file (berth/bulk)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ..config import HandlerConfig
from ..contract import Contract
from ..errors import InternalError, RequestError
from ..known_answers import load_known_answers
from ..payload import Prediction, Rejected, Request
from ..tasks import TASKS
from ..worker.environment import Environment
from ..worker.startup import die_first, quick_imports, quiet_logs
from ..worker.versions import check_versions
from .requests import RowRequests

Row = Prediction | RequestError
"""The answer to one row, or why it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowEngine:
    """A loaded model and the parameters that hold for all rows."""

    requests: RowRequests
    first: Prediction
    """What it answers to the archive's own first known input: the form of every row's result."""
    _pipeline: Any

    @property
    def contract(self) -> Contract:
        """What the task takes."""
        return self.requests.contract

    @classmethod
    def load(
        cls, folder: Path, section: object, parameters: Mapping[str, object], gpu_id: int | None, threads: int
    ) -> Self:
        """Load an unpacked archive as a worker does; `section`: `handler` in its model-config.yaml.

        LoadError where it cannot be served; RequestError for parameters that no request may have.
        """
        die_first()
        config = HandlerConfig.from_mapping(section)
        check_versions(config.requires, folder / "requirements.txt")
        with quick_imports():
            import torch  # noqa: PLC0415 - in a version that fits

            from ..choose_engine import load_pipeline  # noqa: PLC0415
        quiet_logs()
        torch.set_num_threads(threads)
        kind = TASKS[config.task]
        known = load_known_answers(folder / "known_answers.json", kind)
        requests = RowRequests.open(kind, parameters)
        pipeline = load_pipeline(folder / "checkpoint", config, Environment.read(), gpu_id, known)
        (answer,) = pipeline.answer([Request(inputs=known.inputs[:1], parameters=requests.parameters)])
        if isinstance(answer, Rejected):
            raise answer.error
        return cls(requests=requests, first=answer[0], _pipeline=pipeline)

    def describe(self) -> dict[str, object]:
        """Say what runs here: engine, device, precision, token budget, threads."""
        return {"task": str(self.contract.task), **self._pipeline.describe()}

    def answer(self, values: Sequence[object]) -> list[Row]:
        """Answer one row each, in order: a string, or an object with the keys that the task takes.

        Texts of about one length share forward passes, and equal ones are read once. Which do depends on the values
        alone.
        """
        read = [self.requests.read(value) for value in values]
        asked = [place for place, each in enumerate(read) if isinstance(each, Request)]
        asked.sort(key=lambda place: _num_characters(read[place]))
        requests = [each for place in asked if isinstance(each := read[place], Request)]
        found = dict(zip(asked, self._pipeline.answer(requests), strict=True))
        return [each if isinstance(each, RequestError) else _only(found[place]) for place, each in enumerate(read)]


def _num_characters(row: Request | RequestError) -> int:
    return row.inputs[0].num_characters if isinstance(row, Request) else 0


def _only(answer: list[Prediction] | Rejected) -> Row:
    if isinstance(answer, Rejected):
        return answer.error
    return answer[0] if answer else InternalError("the engine left this row out")
