"""The cache of unpacked archives: listed, cleared, and never taken from a process that uses it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from berth.archive import kept
from berth.archive.kept import clear_kept, drafting, hold, hold_only, list_kept
from berth.archive.unpack import unpack_once
from berth.archive.verify import verify_archive
from berth.errors import BerthError
from tests.support.standin import make_standin

HOLD = """
import sys
from pathlib import Path
from berth.archive.unpack import unpack_once
print(unpack_once(Path(sys.argv[1]), Path(sys.argv[2])), flush=True)
sys.stdin.read()
"""


UNPACK = """
import sys
from pathlib import Path
from berth.archive.unpack import unpack_once

begun = []

def wait(_):
    if not begun:
        begun.append(True)
        print("begun", flush=True)
    sys.stdin.read()

unpack_once(Path(sys.argv[1]), Path(sys.argv[2]), wait)
"""


@contextmanager
def using(archive: Path, cache: Path, program: str = HOLD) -> Iterator[subprocess.Popen[str]]:
    """Another process that unpacked an archive, as a launcher does, and lives until the end of the block."""
    command = [sys.executable, "-c", program, str(archive), str(cache)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process


def unpacked(archive: Path, cache: Path) -> None:
    with using(archive, cache):
        pass


def test_what_is_kept_is_listed_with_its_size(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert list_kept(cache) == []
    for name in ("b", "a"):
        unpacked(make_standin(tmp_path, name=name), cache)
    (cache / "other").mkdir()
    (cache / ".unpacking-draft").mkdir()
    draft, *kept = list_kept(cache)
    assert (draft.model, draft.is_draft, draft.is_held) == (None, True, False)
    assert [each.model for each in kept] == [None, "a", "b"]
    assert [each.is_held or each.is_draft for each in kept] == [False] * 3
    assert all(0 <= each.age_s < 600 for each in kept)
    files = [path for path in kept[1].folder.rglob("*") if path.is_file()]
    assert kept[1].size_bytes == sum(len(path.read_bytes()) for path in files) > 0


@pytest.mark.parametrize("is_killed", [False, True])
def test_what_a_process_uses_stays_until_it_ends(tmp_path: Path, is_killed: bool) -> None:
    used, free = (make_standin(tmp_path, name=name) for name in ("used", "free"))
    cache = tmp_path / "cache"
    unpacked(free, cache)
    with using(used, cache) as process:
        assert [each.is_held for each in list_kept(cache)] == [False, True]
        assert [each.model for each in clear_kept(cache)] == ["free"]
        (left,) = list_kept(cache)
        assert verify_archive(left.folder).id == left.folder.name
        if is_killed:
            process.kill()
            process.wait()
    assert [each.model for each in clear_kept(cache)] == ["used"]
    assert list(cache.iterdir()) == []


def test_a_draft_stays_while_it_is_written_and_is_cleared_when_its_process_was_killed(tmp_path: Path) -> None:
    archive, cache = make_standin(tmp_path), tmp_path / "cache"
    with using(archive, cache, UNPACK) as process:
        (draft,) = list_kept(cache)
        assert (draft.is_draft, draft.is_held) == (True, True)
        assert clear_kept(cache) == []
        process.kill()
        process.wait()
        (cleared,) = clear_kept(cache)
    assert (cleared.folder, cleared.is_held) == (draft.folder, False)
    assert list(cache.iterdir()) == []
    with using(archive, cache, UNPACK):
        assert clear_kept(cache) == []
    (whole,) = list_kept(cache)
    assert verify_archive(whole.folder).id == whole.folder.name


def test_a_draft_takes_away_what_killed_ones_of_its_kind_left(tmp_path: Path) -> None:
    for name in (".packing-a-left", ".unpacking-left", "mine"):
        (tmp_path / name / "below").mkdir(parents=True)
    (tmp_path / ".packing-a-file").touch()
    (tmp_path / ".packing-a-link").symlink_to(tmp_path / "mine")
    with drafting(tmp_path, ".packing-a-") as first, drafting(tmp_path, ".packing-a-") as second:
        left = {each for each in tmp_path.iterdir() if each.is_dir() and not each.is_symlink()}
    assert left == {first, second, tmp_path / ".unpacking-left", tmp_path / "mine"}
    assert {each.name for each in tmp_path.iterdir()} == {
        ".packing-a-file",
        ".packing-a-link",
        ".unpacking-left",
        "mine",
    }


def test_what_was_cleared_is_unpacked_again(tmp_path: Path) -> None:
    archive, cache = make_standin(tmp_path), tmp_path / "cache"
    unpacked(archive, cache)
    (kept_folder,) = cache.iterdir()
    kept_folder.with_name(f"{kept_folder.name}.sig").touch()
    assert len(clear_kept(cache)) == 1
    assert list(cache.iterdir()) == []
    assert verify_archive(unpack_once(archive, cache)).id == unpack_once(archive, cache).name


def test_nothing_can_be_held_that_is_not_there(tmp_path: Path) -> None:
    assert not hold(tmp_path / "none")


def test_what_is_cleared_meanwhile_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("gone", "there"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(kept, "_model_name", lambda folder: folder.name == "gone" and folder.rmdir())
    assert [each.folder.name for each in list_kept(tmp_path)] == ["there"]


def test_a_link_in_the_cache_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "link").symlink_to(tmp_path / "mine")
    assert clear_kept(cache) == []
    assert (cache / "link").is_dir()


def test_a_cache_that_is_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BerthError, match=r"file cannot be read: Not a directory; set XDG_CACHE_HOME"):
        list_kept(tmp_path / "file")


def num_open(folder: Path) -> int:
    """This process's descriptors of a folder."""
    return [os.path.realpath(each) for each in Path("/proc/self/fd").iterdir()].count(str(folder.resolve()))


def test_what_is_held_no_more_is_cleared(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    old, new = (unpack_once(make_standin(tmp_path, name=name), cache) for name in ("old", "new"))
    for _ in range(3):
        assert unpack_once(tmp_path / "old.mar", cache) == old
    assert (num_open(old), clear_kept(cache)) == (1, [])
    hold_only([new, cache / "none"])
    assert num_open(old) == 0
    assert [each.folder for each in clear_kept(cache)] == [old]
    hold_only([])
    assert [each.folder for each in clear_kept(cache)] == [new]


def test_a_folder_that_was_replaced_is_held_as_it_is_now(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "folder"
    for former in ("first", "second"):
        folder.mkdir(parents=True)
        assert hold(folder)
        assert [each.is_held for each in list_kept(folder.parent)] == [True]
        folder.rename(tmp_path / former)
    hold_only([])
