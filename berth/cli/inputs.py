"""Reads what `berth predict` is to ask: inputs and parameters."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import msgspec

from ..clients.messages import JsonObject
from ..errors import UsageError


def read_texts(texts: Sequence[str], file: Path | None, stdin: TextIO | None = None) -> list[str]:
    """Read the texts to predict: arguments, else the lines of `file` (- is standard input), else standard input's."""
    found = _read(texts, file, stdin or sys.stdin)
    for number, text in enumerate(found, 1):
        _require_utf8(text, f"{_place(texts, file)} {number}")
    return found


def read_objects(texts: Sequence[str], file: Path | None, stdin: TextIO | None = None) -> list[JsonObject]:
    """Read the inputs to predict as `read_texts` does, each a JSON object."""
    found = _read(texts, file, stdin or sys.stdin)
    hint = "--objects reads each as an object; without it each is a text"
    return [_parse_object(text, f"{_place(texts, file)} {number}", hint) for number, text in enumerate(found, 1)]


def parse_parameters(text: str | None) -> JsonObject | None:
    """Parse what --parameters says; None where it is not given."""
    return None if text is None else _parse_object(text, "--parameters", """give one such as '{"top_k": 3}'""")


def _parse_object(text: str, where: str, hint: str) -> JsonObject:
    try:
        return msgspec.json.decode(text, type=JsonObject)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where} is not a JSON object ({error}): {hint}") from error


def _read(texts: Sequence[str], file: Path | None, stdin: TextIO) -> list[str]:
    if texts and file:
        raise UsageError("give texts or --file, not both")
    if not texts and file is None and stdin.isatty():
        raise UsageError("no text: give one as an argument, or a file with --file (- is standard input)")
    found = list(texts) or _read_lines(file, stdin)
    if not found:
        raise UsageError(f"{file or 'standard input'} is empty: one text a line is expected")
    return found


def _place(texts: Sequence[str], file: Path | None) -> str:
    """Where a text came from, for an error; its number follows."""
    return "argument" if texts else f"{file or 'standard input'}, line"


def _require_utf8(text: str, where: str) -> None:
    """Refuse what was no UTF-8: Python keeps it in surrogates, of arguments, and of standard input in the locale C."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{where} is not UTF-8 at character {error.start + 1}: convert it first, from Windows-1252 by "
            "`iconv -f WINDOWS-1252 -t UTF-8`"
        ) from error


def _read_lines(file: Path | None, stdin: TextIO) -> list[str]:
    try:
        content = stdin.read() if file is None or str(file) == "-" else file.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file or 'standard input'} is not UTF-8: {error}") from error
    return content.removesuffix("\n").split("\n") if content else []
