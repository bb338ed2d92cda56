r"""Java's format of properties, as java.util.Properties reads it: `key=value`, comments, joined lines, escapes."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from .errors import UsageError

# A comment ends with its line whatever is at its end; of what is none, a backslash joins the next line.
LINE = re.compile(r"^[ \t\f]*(?:[#!].*|((?:\\\n|\\.?|[^\\\n])*))$", re.MULTILINE)
JOINT = re.compile(r"(\\[^\n])|\\\n?[ \t\f]*")
PAIR = re.compile(r"[ \t\f]*((?:\\.|[^\\=: \t\f])*)[ \t\f]*[=:]?[ \t\f]*(.*)")
ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def parse_properties(text: str) -> dict[str, str]:
    """Parse it; ValueError where Java could not read it. Spaces at the end of a value are part of it."""
    lines = (JOINT.sub(r"\1", line[1]) for line in LINE.finditer(text) if line[1])
    pairs = map(PAIR.fullmatch, lines)
    return {_unescape(pair[1]): _unescape(pair[2]) for pair in pairs if pair}


def format_properties(properties: Mapping[str, str]) -> str:
    """Write it in ASCII, which Java reads the same in every encoding."""
    return "".join(f"{_escape(key)}={_escape(value)}\n" for key, value in properties.items())


def read_properties(file: Path) -> dict[str, str]:
    """Read a file of them in UTF-8; UsageError where it cannot be read, or not as that."""
    try:
        return parse_properties(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise unreadable(file, error) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8: {error}; save it as UTF-8") from error
    except ValueError as error:
        raise UsageError(f"{file} is not in Java's form of properties: {error}; write a backslash as two") from error


def unreadable(file: Path, error: OSError) -> UsageError:
    """The error for a file that cannot be looked at."""
    return UsageError(f"{file} cannot be read: {error.strerror}; give another with --config")


def _unescape(text: str) -> str:
    units = ESCAPE.sub(lambda match: _meaning(match[1]), text)
    return units.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # two may make a character


def _meaning(escape: str) -> str:
    if len(escape) > 1:
        return chr(int(escape[1:], 16))
    if escape == "u":
        raise ValueError("\\u stands before four hexadecimal digits")
    return CONTROLS.get(escape, escape)


def _escape(text: str) -> str:
    return re.sub("[=:#! ]", r"\\\g<0>", json.dumps(text)[1:-1])
