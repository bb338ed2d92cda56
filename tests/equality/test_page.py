"""What the page says of tests elsewhere is true: they are there, and have the tolerance that it names."""

import re
from pathlib import Path

import pytest

from .elsewhere import ELSEWHERE

ROOT = Path(__file__).parents[2]
NAMED = sorted(set(re.findall(r"`(tests/[\w/.]+)`", ELSEWHERE)))


def test_the_page_has_the_section() -> None:
    assert ELSEWHERE in (ROOT / "docs" / "equality.md").read_text("utf-8")


@pytest.mark.parametrize("name", NAMED)
def test_what_it_names_is_there_and_as_strict(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    if name.endswith(".py"):
        assert re.search(r"TOLERANCE = 1e-5|abs=1e-5", text)
