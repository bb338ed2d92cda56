"""A file of golden inputs, which `berth pack` and `berth rollout` take: one a line, a text or a JSON object."""

import json
from pathlib import Path
from typing import Any

from .errors import UsageError


def read_golden(file: Path) -> list[Any]:
    """Read the inputs; UsageError where there are none."""
    try:
        lines = [line for line in file.read_text("utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--golden: {file} cannot be read as text in UTF-8: {error}") from error
    if not lines:
        raise UsageError(f"--golden: {file} has no line that says anything")
    return [_read_input(line) for line in lines]


def _read_input(line: str) -> object:
    try:
        value = json.loads(line)
    except ValueError:
        return line
    return value if isinstance(value, dict) else line
