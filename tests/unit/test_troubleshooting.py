"""docs/troubleshooting.md quotes messages that the source still says."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
QUOTED = re.findall(r"^### `(.+)`$", PAGE, re.MULTILINE)
PLACEHOLDERS = re.compile(r"\b(?:NAME|N|FOLDER|ADDRESS)\b")
VALUE = "\0"  # where an f-string has an expression


def strings_of(tree: ast.AST) -> Iterator[str]:
    """Every string constant, and every f-string with VALUE for each of its expressions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else VALUE for part in node.values)


@cache
def source_strings() -> frozenset[str]:
    files = [*ROOT.glob("berth/**/*.py"), *ROOT.glob("handler/**/*.py")]
    return frozenset(text for file in files for text in strings_of(ast.parse(file.read_text("utf-8"))))


def is_said(quoted: str, strings: frozenset[str]) -> bool:
    """Whether a string has the quoted words, with a value wherever these have a placeholder."""
    words = VALUE.join(PLACEHOLDERS.split(quoted))
    return any(words in text for text in strings)


@pytest.mark.parametrize("quoted", QUOTED)
def test_the_source_says_it(quoted: str) -> None:
    assert is_said(quoted, source_strings()), f"docs/troubleshooting.md quotes what no string says any more: {quoted}"


def test_a_message_that_is_gone_would_be_found() -> None:
    strings = frozenset(strings_of(ast.parse('f"member {name} is altered: {found}"')))
    assert is_said("member NAME is altered", strings)
    assert not is_said("member NAME is changed", strings)
    assert not is_said("NAME member", strings)


def test_each_message_of_the_page_has_a_cause_and_a_cure() -> None:
    sections = re.split(r"^##+ ", PAGE, flags=re.MULTILINE)
    texts = [section.partition("\n")[2].strip() for section in sections if section.startswith("`")]
    assert len(texts) == len(set(QUOTED)) == 30
    assert all(texts)
