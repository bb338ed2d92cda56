"""A file that is made anew when its source changes."""

import stat
from pathlib import Path

import pytest

from berth.errors import BerthError, UsageError
from berth.front.reloaded import ReloadedFile


class Source:
    """Text that somebody edits, and what was installed of it; either can fail."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.installed: list[str] = []
        self.is_installable = True

    def read(self) -> str:
        if not self.text:
            raise UsageError("the source is empty")
        return self.text

    def install(self, path: Path, content: str) -> None:
        if not self.is_installable:
            raise BerthError("nobody answers")
        self.installed.append(f"{path.name}: {content}")


def reloaded(source: Source, folder: Path) -> ReloadedFile:
    return ReloadedFile(
        name="the words", path=folder / "words.map", read=source.read, make=str.upper, install=source.install
    )


def test_it_is_written_for_us_alone_and_installed_when_it_changes(tmp_path: Path) -> None:
    source = Source("one")
    file = reloaded(source, tmp_path)
    file.write()
    file.look()
    assert (file.path.read_text(), source.installed) == ("ONE", [])
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    source.text = "two"
    file.look()
    file.look()
    assert (file.path.read_text(), source.installed) == ("TWO", ["words.map: TWO"])
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_what_is_wrong_changes_nothing_and_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = Source("one")
    file = reloaded(source, tmp_path)
    file.write()
    source.text = ""
    file.look()
    file.look()
    assert capsys.readouterr().err == "berth: the words stay as they were: the source is empty\n"
    assert (file.path.read_text(), source.installed) == ("ONE", [])


def test_what_could_not_be_installed_is_tried_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = Source("one")
    file = reloaded(source, tmp_path)
    file.write()
    source.text, source.is_installable = "two", False
    file.look()
    assert file.path.read_text() == "TWO"  # for an HAProxy that is started again
    source.is_installable = True
    file.look()
    assert source.installed == ["words.map: TWO"]
    assert capsys.readouterr().err.splitlines() == [
        "berth: the words stay as they were: nobody answers",
        "berth: the words have changed, and the new ones are in force",
    ]


def test_a_folder_that_cannot_be_written_changes_nothing_until_it_can(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, folder = Source("one"), tmp_path / "run"
    folder.mkdir()
    file = reloaded(source, folder)
    file.write()
    source.text = "two"
    folder.rename(tmp_path / "elsewhere")
    file.look()
    assert capsys.readouterr().err.startswith("berth: the words stay as they were: [Errno 2]")
    (tmp_path / "elsewhere").rename(folder)
    file.look()
    assert (file.path.read_text(), source.installed) == ("TWO", ["words.map: TWO"])
