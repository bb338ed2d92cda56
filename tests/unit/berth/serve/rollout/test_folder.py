"""A folder whose archives are served once they are whole."""

import errno
import threading
from pathlib import Path

import pytest

from berth.errors import NoMemory, Refused
from berth.rollout.messages import Event, Order
from berth.serve.rollout import folder
from berth.serve.rollout.folder import WatchedFolder
from berth.serve.rollout.orders import Check, Emit, Orders


def test_what_appears_is_listed_once_when_it_no_longer_grows(tmp_path: Path) -> None:
    (tmp_path / "there.mar").touch()
    watched = WatchedFolder(folder=tmp_path)
    new = tmp_path / "new.mar"
    new.write_text("a")
    (tmp_path / "new.txt").touch()
    assert watched.look() == []
    new.write_text("ab")
    assert [watched.look(), watched.look(), watched.look()] == [[], [new], []]
    watched.try_again(new)
    assert watched.look() == [new]
    new.write_text("changed")
    assert [watched.look(), watched.look()] == [[], [new]]


@pytest.mark.parametrize(("may_pass", "tries"), [(True, 2), (False, 1)])
def test_what_failed_for_a_passing_reason_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, may_pass: bool, tries: int
) -> None:
    watched, ended, given = WatchedFolder(folder=tmp_path), threading.Event(), list[Order]()
    (tmp_path / "new.mar").touch()
    looks, look = iter(range(6)), WatchedFolder.look

    def carry_out(order: Order, emit: Emit, _: Check) -> None:
        given.append(order)
        if len(given) == 1:
            raise NoMemory("it is too large now") if may_pass else Refused("it is damaged")
        emit(Event(step="done", text="", exit_code=0))

    def look_and_count(folder: WatchedFolder) -> list[Path]:
        if next(looks, None) is None:
            ended.set()
        return look(folder)

    monkeypatch.setattr(folder, "LOOK_S", 0.0)
    monkeypatch.setattr(folder, "AGAIN_S", 0.0)
    monkeypatch.setattr(WatchedFolder, "look", look_and_count)
    watched.follow(Orders(carry_out), ended)
    assert len(given) == tries


def test_a_folder_that_cannot_be_read_for_a_while_is_followed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watched, ended, taken = WatchedFolder(folder=tmp_path), threading.Event(), list[str]()
    failures = [OSError(errno.EMFILE, "Too many open files")] * 2

    def look(_: WatchedFolder) -> list[Path]:
        if failures:
            raise failures.pop()
        ended.set()
        return [tmp_path / "new.mar"]

    def carry_out(order: Order, emit: Emit, _: Check) -> None:
        taken.append(order.archive)
        emit(Event(step="done", text="", exit_code=0))

    monkeypatch.setattr(folder, "LOOK_S", 0.0)
    monkeypatch.setattr(WatchedFolder, "look", look)
    watched.follow(Orders(carry_out), ended)
    assert taken == [str(tmp_path / "new.mar")]
    assert (
        capsys.readouterr().err.count("cannot be looked at, which is tried again and again: Too many open files") == 1
    )
