"""Golden inputs: what two versions of a model are asked, one after the other, to see where their answers differ."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ..archive.content import KNOWN_ANSWERS
from ..clients.messages import Input, Parameters, Result
from ..clients.rest_client import PREDICTIONS, RestClient
from ..errors import RequestFailed, UsageError
from ..lines import read_golden
from .messages import MAX_GOLDEN_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """What is asked."""

    inputs: Sequence[Input]
    parameters: Parameters | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What one version answered."""

    results: tuple[Result | None, ...]
    """One for each input; None where it refused it."""
    ms: tuple[float, ...]
    """How long each took, asked alone, in ms."""
    refusal: str = ""
    """The words of the first refusal."""

    @property
    def is_refused(self) -> bool:
        """Whether no input was answered."""
        return all(result is None for result in self.results)


def read_golden_of_order(file: Path) -> list[Any]:
    """Read a file of inputs; UsageError where there are none, or more than an order holds."""
    inputs = read_golden(file)
    if (size := len(msgspec.json.encode(inputs))) > MAX_GOLDEN_BYTES:
        raise UsageError(
            f"--golden: {file} has {size / 2**20:.1f} MiB of inputs, and an order holds {MAX_GOLDEN_BYTES / 2**20:g}: "
            "choose fewer"
        )
    return inputs


def choose_golden(folder: Path, own: Sequence[Input]) -> Golden:
    """Take somebody's own inputs, else those that the unpacked archive in `folder` was proven with; its parameters."""
    file = folder / KNOWN_ANSWERS
    known = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    return Golden(inputs=own or known.get("inputs", ()), parameters=known.get("parameters"))


def ask_golden(url: str, model: str, golden: Golden, check: Callable[[], None]) -> Answered:
    """Ask a server each input by itself, with what the order of the inputs makes of its caches; `check` may raise."""
    results: list[Result | None] = []
    ms, refusal = [], ""
    with RestClient(url) as client:
        for each in golden.inputs:
            check()
            began_s = time.monotonic()
            try:
                results += client.ask(PREDICTIONS, [each], golden.parameters, model)  # what is cut is cut in both
            except RequestFailed as error:
                results.append(None)
                refusal = refusal or str(error)
            ms.append((time.monotonic() - began_s) * 1000)
    return Answered(results=tuple(results), ms=tuple(ms), refusal=refusal)
