"""How `berth predict` writes answers as they come: JSON lines, or tables of some rows each; errors in their place."""

import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from ...clients.many import AT_ONCE, Answer, Many
from ...clients.messages import JsonObject, Model, Parameters, Result, ServerError
from ...clients.rest_client import MAX_NAMED, RestClient, describe_cut
from ...console import say
from ...errors import BerthError, UsageError
from ...names import beside
from ..tables import render
from .inputs import Item

TABLE_ROWS = 64
"""Inputs of a table: their rows are shown when the last of them has its answer."""

Answered = tuple[Item, Answer]


def print_answers(
    items: Iterator[Item],
    url: str | None,
    model: Model,
    parameters: Parameters | None,
    rejects: Path | None,
    *,
    as_json: bool,
) -> None:
    """Ask a server for all of them, and print its answers as they come."""
    asked, shown = itertools.tee(items)
    with RestClient(url, max_kept=AT_ONCE) as client:
        answers = Many(client, parameters, model).answers(item.value for item in asked)
        answered = ((item, answer) for answer, item in zip(answers, shown, strict=True))
        write_answers(answered, rejects, as_json=as_json)


def write_answers(answered: Iterator[Answered], rejects: Path | None, *, as_json: bool) -> None:
    """Print each answer, and write the refused inputs to `rejects`; BerthError at the end where there are any."""
    account = _Account()
    with ExitStack() as stack:
        file = stack.enter_context(_create(rejects)) if rejects else None
        for some in _group(answered, 1 if as_json else TABLE_ROWS):
            print(_render(some, as_json=as_json), flush=True)
            for item, answer in some:
                account.take(item, answer)
                if file and answer.error:
                    file.write(json.dumps(to_reject(item, answer.error)) + "\n")
                    file.flush()
    account.conclude(rejects)


def to_reject(item: Item, error: ServerError) -> JsonObject:
    """A refused input with its error, as a line that --objects reads again when these two keys are gone.

    Where the input has one of the two itself, that is called `input_place` or `input_error`.
    """
    said = {"place": item.place, "error": to_error(error)}
    match item.value:
        case str() as text:
            return {"text": text, **said}
        case ServerError():
            return {"record": item.record, **said}
        case value:
            return {**{beside(key, said): each for key, each in value.items()}, **said}


def to_error(error: ServerError) -> JsonObject:
    """The error object of a row."""
    return {"code": error.code, "type": error.type, "message": error.message}


class _Account:
    """What is said when all is written."""

    def __init__(self) -> None:
        self._count = self._num_cut = self._num_refused = 0
        self._cut: list[int] = []
        self._first = ""

    def take(self, item: Item, answer: Answer) -> None:
        if answer.is_truncated:
            self._num_cut += 1
            self._cut += [self._count] if len(self._cut) < MAX_NAMED else []
        if error := answer.error:
            self._num_refused += 1
            self._first = self._first or f"{item.place}: {error.message} ({error.code} {error.type})"
        self._count += 1

    def conclude(self, rejects: Path | None) -> None:
        if self._cut:
            say(describe_cut(self._cut, self._num_cut))
        if self._num_refused:
            where = f"; they stand in {rejects}" if rejects else ""
            raise BerthError(f"{self._num_refused} of {self._count} inputs refused: {self._first}{where}")


def _create(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--rejects {path} cannot be written: {error.strerror}; choose another") from error


def _group(answered: Iterator[Answered], size: int) -> Iterator[list[Answered]]:
    """So many at once; what came before an error, or Ctrl-C, comes before it."""
    some: list[Answered] = []
    try:
        for each in answered:
            some.append(each)
            if len(some) == size:
                yield some
                some = []
    except (BerthError, KeyboardInterrupt):
        if some:
            yield some
        raise
    if some:
        yield some


def _render(some: Sequence[Answered], *, as_json: bool) -> str:
    inputs = [item.record if isinstance(item.value, ServerError) else item.value for item, _ in some]
    results: list[Result] = []
    for _, answer in some:
        if error := answer.error:
            shown = f"{error.code} {error.type}: {error.message}"
            results.append({"error": to_error(error) if as_json else shown})
        else:
            assert answer.result is not None
            results.append(answer.result)
    return render(inputs, results, as_json=as_json)
