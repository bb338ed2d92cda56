"""The texts of `berth predict`."""

import io
from pathlib import Path

import pytest

from berth.errors import UsageError
from berth.inputs import read_texts


def test_texts_come_from_arguments_a_file_or_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "texts"
    path.write_text("one\n\nthree", encoding="utf-8")
    assert read_texts(["a", "b"], None) == ["a", "b"]
    assert read_texts([], path) == ["one", "", "three"]
    assert read_texts([], None, io.StringIO("in\n")) == ["in"]
    assert read_texts([], Path("-"), io.StringIO("in\n")) == ["in"]


class Terminal(io.StringIO):
    """A standard input that nobody typed into."""

    def isatty(self) -> bool:
        return True


def test_no_text_and_two_sources_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not both"):
        read_texts(["a"], tmp_path)
    with pytest.raises(UsageError, match="no text"):
        read_texts([], None, Terminal())
    with pytest.raises(UsageError, match="empty"):
        read_texts([], None, io.StringIO(""))
    with pytest.raises(UsageError, match="No such file"):
        read_texts([], tmp_path / "none")
    (tmp_path / "latin1").write_bytes(b"\xe9")
    with pytest.raises(UsageError, match="UTF-8"):
        read_texts([], tmp_path / "latin1")
