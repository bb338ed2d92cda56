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
    stdin = stdin or sys.stdin
    if texts and file:
        raise UsageError("give texts or --file, not both")
    if not texts and file is None and stdin.isatty():
        raise UsageError("no text: give one as an argument, or a file with --file (- is standard input)")
    found = list(texts) or _read_lines(file, stdin)
    if not found:
        raise UsageError(f"{file or 'standard input'} is empty: one text a line is expected")
    return found


def read_objects(texts: Sequence[str], file: Path | None, stdin: TextIO | None = None) -> list[JsonObject]:
    """Read the inputs to predict as `read_texts` does, each a JSON object."""
    found = read_texts(texts, file, stdin)
    place = "argument" if texts else f"{file or 'standard input'}, line"
    hint = "--objects reads each as an object; without it each is a text"
    return [_parse_object(text, f"{place} {number}", hint) for number, text in enumerate(found, 1)]


def parse_parameters(text: str | None) -> JsonObject | None:
    """Parse what --parameters says; None where it is not given."""
    return None if text is None else _parse_object(text, "--parameters", """give one such as '{"top_k": 3}'""")


def _parse_object(text: str, where: str, hint: str) -> JsonObject:
    try:
        return msgspec.json.decode(text, type=JsonObject)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where} is not a JSON object ({error}): {hint}") from error


def _read_lines(file: Path | None, stdin: TextIO) -> list[str]:
    try:
        content = stdin.read() if file is None or str(file) == "-" else file.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file or 'standard input'} is not UTF-8: {error}") from error
    return content.removesuffix("\n").split("\n") if content else []
