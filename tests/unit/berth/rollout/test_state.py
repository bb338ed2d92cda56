"""What is kept of what is live, beside the archives."""

import fcntl
import os
from dataclasses import replace
from pathlib import Path

import pytest

from berth.archive.unpack import cache_folder, unpack_once
from berth.archive.verify import content_id
from berth.errors import Refused
from berth.rollout import state as module
from berth.rollout.state import DAMAGED, FILE, Kept, State, require_before
from tests.support.rollout.versions import make_version


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def kept(archive: Path) -> Kept:
    return Kept(archive=str(archive), content=content_id(archive))


def test_what_was_live_is_served_again_for_the_same_request_alone(tmp_path: Path) -> None:
    first, second = make_version(tmp_path, "1.0"), make_version(tmp_path, "2.0")
    state = replace(State.read([first]), live=(kept(second),), before=(kept(first),))
    assert state.write() == ""
    assert State.read([first]) == state
    assert State.read([first]).archives() == (second,)
    assert State.read([second]).archives() == (second,)
    assert State.read([first, second]).archives() == (second, first)
    unpacked = unpack_once(second, cache_folder())
    make_version(tmp_path / "more", "3.0").replace(second)
    assert State.read([first]).archives() == (unpacked,)
    unpacked.rename(tmp_path / "elsewhere")
    assert State.read([first]).archives() == (first,)


def test_the_default_is_the_highest_version_until_another_one_is_chosen(tmp_path: Path) -> None:
    versions = [make_version(tmp_path, version) for version in ("1.9", "2.0rc1", "1.10", "2.0")]
    other = make_version(tmp_path, "1.0", name="other")
    asked = [versions[0], other, *versions[1:]]
    highest = State.read(asked).archives()
    assert highest == (*(versions[index] for index in (3, 1, 2, 0)), other)
    chosen = (versions[0], versions[3], versions[1], versions[2], other)
    assert replace(State.read(asked), live=tuple(map(kept, chosen))).write() == ""
    assert State.read(asked).archives() == chosen


def test_what_was_before_is_found_by_its_content(tmp_path: Path) -> None:
    archive = make_version(tmp_path, "1.0")
    state = State(asked=(str(archive),), before=(kept(archive),))
    assert require_before(state) == (archive,)
    unpacked = unpack_once(archive, cache_folder())
    make_version(tmp_path, "2.0").replace(archive)
    assert require_before(state) == (unpacked,)
    unpacked.rename(tmp_path / "elsewhere")
    with pytest.raises(Refused, match="another content now"):
        require_before(state)
    with pytest.raises(Refused, match="nothing to go back to"):
        require_before(State(asked=(str(archive),)))


@pytest.mark.parametrize(
    "text", ["", "[]", '{"version": 2, "servers": {}}', '{"version": 1}', '{"version": 1, "servers": 1}']
)
def test_a_damaged_file_is_said_and_set_aside_and_what_is_live_is_kept_again(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = make_version(tmp_path, "1.0")
    (file := archive.parent / FILE).write_text(text)
    state = State.read([archive])
    assert state.archives() == (archive,)
    assert f"{file} cannot be read" in (said := capsys.readouterr().err)
    assert f"set aside as {DAMAGED}" in said
    assert file.with_name(DAMAGED).read_text() == text
    assert replace(state, live=(kept(archive),)).write() == ""
    assert State.read([archive]).live == (kept(archive),)
    assert capsys.readouterr().err == ""


def test_a_folder_has_one_name_however_it_is_written(tmp_path: Path) -> None:
    archive = make_version(tmp_path, "1.0")
    assert State(asked=(str(archive),), live=(kept(archive),)).write() == ""
    roundabout = archive.parent / ".." / archive.parent.name / archive.name
    assert State.read([roundabout]) == State.read([archive])
    assert State.read([roundabout]).live


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    assert "after a restart what was asked for" in State(asked=(str(tmp_path / "nowhere" / "bert.mar"),)).write()


def test_another_launcher_waits_while_the_file_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = make_version(tmp_path, "1.0")
    read, asked = module._read, list[Path]()

    def read_while_another_asks(file: Path) -> dict[str, module.Served]:
        descriptor = os.open(file.parent, os.O_RDONLY)
        try:
            with pytest.raises(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(descriptor)
        asked.append(file)
        return read(file)

    monkeypatch.setattr(module, "_read", read_while_another_asks)
    assert State(asked=(str(archive),), live=(kept(archive),)).write() == ""
    assert asked
