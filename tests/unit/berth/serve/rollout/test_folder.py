"""A folder whose archives are served once they are whole."""

from pathlib import Path

from berth.serve.rollout.folder import WatchedFolder


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
