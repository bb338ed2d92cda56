"""Reads what `berth predict` is to ask, line by line: inputs and parameters."""

import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

import msgspec

from ...clients.inputs import plain_input
from ...clients.messages import Input, JsonObject, ServerError
from ...errors import UsageError
from ...lines import split_lines

UNREADABLE = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One input, and where it came from."""

    place: str
    """"argument 2", or "texts.txt, line 7"."""
    record: str
    """As it stood there."""
    value: Input | ServerError
    """What the server is asked; why it cannot be."""


def read_items(
    texts: Sequence[str], file: Path | None, *, objects: bool, stdin: TextIO | None = None
) -> Iterator[Item]:
    """Read the inputs: arguments, else the lines of `file` (- is standard input), else standard input's.

    `objects`: each is a JSON object. UsageError at once for an argument that is none, and where nothing can be read; a
    line that is none is an item with its error.
    """
    stdin = stdin or sys.stdin
    if texts and file:
        raise UsageError("give texts or --file, not both")
    if not texts and file is None and stdin.isatty():
        raise UsageError("no text: give one as an argument, or a file with --file (- is standard input)")
    if texts:
        return iter([_read_argument(number, text, objects=objects) for number, text in enumerate(texts, 1)])
    name = "standard input" if file is None or str(file) == "-" else str(file)
    lines = _read_lines(file, stdin)
    first = next(lines, None)
    if first is None:
        raise UsageError(f"{name} is empty: one text a line is expected")
    numbered = enumerate(itertools.chain([first], lines), 1)
    return (_read_line(f"{name}, line {number}", line, objects=objects) for number, line in numbered)


def parse_parameters(text: str | None) -> JsonObject | None:
    """Parse what --parameters says; None where it is not given."""
    return None if text is None else _parse_object(text, "--parameters", """give one such as '{"top_k": 3}'""")


def _read_argument(number: int, text: str, *, objects: bool) -> Item:
    place = f"argument {number}"
    return Item(place=place, record=text, value=_read(place, text, objects=objects))


def _read_line(place: str, line: bytes, *, objects: bool) -> Item:
    text = line.decode("utf-8", "surrogateescape")
    try:
        value: Input | ServerError = _read(place, text, objects=objects)
    except UsageError as error:
        message = str(error).removeprefix(f"{place} ")
        value = ServerError(code=UNREADABLE, type="NotParseable", message=f"the line {message}")
    return Item(place=place, record=line.decode("utf-8", "replace"), value=value)


def _read(place: str, text: str, *, objects: bool) -> Input:
    """The input that a text is; UsageError names its place."""
    if not objects:
        _require_utf8(text, place)
        return text
    found = _parse_object(text, place, "--objects reads each as an object; without it each is a text")
    return plain_input(found, place)


def _parse_object(text: str, where: str, hint: str) -> JsonObject:
    try:
        return msgspec.json.decode(text, type=JsonObject)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where} is not a JSON object ({error}): {hint}") from error


def _require_utf8(text: str, where: str) -> None:
    """Refuse what was no UTF-8: Python keeps it in surrogates, of arguments too."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{where} is not UTF-8 at character {error.start + 1}: convert it first, from Windows-1252 by "
            "`iconv -f WINDOWS-1252 -t UTF-8`"
        ) from error


def _read_lines(file: Path | None, stdin: TextIO) -> Iterator[bytes]:
    with _open(file, stdin) as stream:
        yield from split_lines(stream)


def _open(file: Path | None, stdin: TextIO) -> AbstractContextManager[Iterable[bytes]]:
    if file is None or str(file) == "-":
        binary: BinaryIO | None = getattr(stdin, "buffer", None)
        return nullcontext(binary or (line.encode("utf-8", "surrogateescape") for line in stdin))
    try:
        return file.open("rb")
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
