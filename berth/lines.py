"""Files with an input on each line: a line ends at "\n" or "\r\n" and nowhere else, and may hold all that JSON may."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .errors import UsageError

MARK = b"\xef\xbb\xbf"  # that a file is UTF-8


def split_lines(stream: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines without their ends, and without the mark of UTF-8 before the first."""
    for number, line in enumerate(stream):
        content = line if number else line.removeprefix(MARK)
        yield content.removesuffix(b"\n").removesuffix(b"\r")


def read_texts(file: Path, option: str) -> list[str]:
    """Read the lines that say anything; UsageError, which begins with the option, where there are none."""
    try:
        with file.open("rb") as stream:
            texts = [line.decode("utf-8") for line in split_lines(stream)]
    except OSError as error:
        raise UsageError(f"{option}: {file} cannot be read: {error.strerror}; give another") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{option}: {file} is not UTF-8: {error}; save it as UTF-8") from error
    if found := [text for text in texts if text.strip()]:
        return found
    raise UsageError(f"{option}: {file} has no text: one a line is expected")


def read_golden(file: Path) -> list[Any]:
    """Read the golden inputs that `berth pack` and `berth rollout` take, each a text or a JSON object; UsageError."""
    return [_read_input(line) for line in read_texts(file, "--golden")]


def _read_input(line: str) -> object:
    try:
        value = json.loads(line)
    except ValueError:
        return line
    return value if isinstance(value, dict) else line
