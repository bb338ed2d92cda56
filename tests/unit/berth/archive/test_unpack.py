"""unpack_once: one folder for one content, whoever comes first, and never an altered one."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from berth.archive import kept
from berth.archive.content import ArchivePlan, Member
from berth.archive.kept import clear_kept, drafting
from berth.archive.unpack import cache_folder, unpack_once
from berth.archive.verify import verify_archive
from berth.archive.write import write_archive
from berth.errors import BerthError, Refused, UsageError


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    members = tuple(Member(name=name, source=name.encode() * 100_000) for name in ("a", "b/c"))
    write_archive(ArchivePlan(members=members), tmp_path / "small.mar")
    return tmp_path / "small.mar"


def test_the_folder_bears_the_content_id(archive, tmp_path):
    folder = unpack_once(archive, tmp_path / "new" / "cache")
    content = verify_archive(archive)
    assert folder == tmp_path / "new" / "cache" / content.id
    assert verify_archive(folder) == content


def test_it_is_unpacked_once(archive, tmp_path):
    first = unpack_once(archive, tmp_path / "cache")
    written = (first / "a").stat().st_ino, (first / "a").stat().st_mtime_ns
    assert unpack_once(archive, tmp_path / "cache") == first
    assert ((first / "a").stat().st_ino, (first / "a").stat().st_mtime_ns) == written
    assert list((tmp_path / "cache").iterdir()) == [first]


def test_a_killed_launchers_draft_is_removed_and_a_living_ones_stays(archive, tmp_path):
    cache = tmp_path / "cache"
    (cache / ".unpacking-left" / "id").mkdir(parents=True)
    with drafting(cache) as held:
        folder = unpack_once(archive, cache)
        assert set(cache.iterdir()) == {folder, held}
    assert set(cache.iterdir()) == {folder}


def test_a_draft_that_is_cleared_before_it_is_held_is_made_again(tmp_path, monkeypatch):
    made = []

    def share_after_a_clear(draft):
        made.append(draft)
        if len(made) == 1:
            clear_kept(tmp_path)
        return share(draft)

    share = kept._share
    monkeypatch.setattr(kept, "_share", share_after_a_clear)
    with drafting(tmp_path) as draft:
        assert made[1:] == [draft] == list(tmp_path.iterdir())


def test_a_folder_is_given_back_as_it_is(archive, tmp_path):
    folder = unpack_once(archive, tmp_path / "cache")
    assert unpack_once(folder, tmp_path / "other") == folder
    assert not (tmp_path / "other").exists()


def test_ten_at_once_agree(archive, tmp_path):
    with ThreadPoolExecutor(10) as threads:
        folders = set(threads.map(lambda _: unpack_once(archive, tmp_path / "cache"), range(10)))
    assert list((tmp_path / "cache").iterdir()) == list(folders)


def test_an_altered_archive_leaves_nothing_unpacked(archive, tmp_path):
    data = archive.read_bytes().replace(b"b/cb/c", b"b/cb/C", 1)
    archive.write_bytes(data)
    with pytest.raises(Refused, match="member b/c is altered"):
        unpack_once(archive, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_of_an_archive_that_was_unpacked_only_what_it_says_it_holds_is_read(archive, tmp_path):
    folder = unpack_once(archive, tmp_path / "cache")
    archive.write_bytes(archive.read_bytes().replace(b"b/cb/c", b"b/cb/C", 1))
    assert unpack_once(archive, tmp_path / "cache") == folder
    assert verify_archive(folder).id == folder.name  # the right content, whatever became of the other copy


def test_an_altered_cache_is_refused_and_named(archive, tmp_path):
    folder = unpack_once(archive, tmp_path / "cache")
    (folder / "a").write_bytes(b"other")
    with pytest.raises(Refused, match=f"member a is altered.*remove {folder}"):
        unpack_once(archive, tmp_path / "cache")


def test_another_content_under_this_id_is_refused(archive, tmp_path):
    write_archive(ArchivePlan(members=(Member(name="a", source=b"x"),)), tmp_path / "other.mar")
    other = unpack_once(tmp_path / "other.mar", tmp_path / "cache")
    other.rename(other.with_name(verify_archive(archive).id))
    with pytest.raises(Refused, match="its content is"):
        unpack_once(archive, tmp_path / "cache")


def test_a_cache_that_cannot_be_written_is_said(archive, tmp_path):
    (tmp_path / "file").touch()
    for cache in (tmp_path / "file", tmp_path / ("x" * 300)):
        with pytest.raises(BerthError, match=r"cannot unpack .*; set XDG_CACHE_HOME to a folder"):
            unpack_once(archive, cache)


def test_without_a_home_the_variable_is_named(monkeypatch):
    monkeypatch.setenv("HOME", "relative")
    with pytest.raises(UsageError, match="XDG_CACHE_HOME"):
        cache_folder({})
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.getuid", lambda: 2**31 - 5)  # a container's user that is in no /etc/passwd
    with pytest.raises(UsageError, match="XDG_CACHE_HOME"):
        cache_folder({})


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"XDG_CACHE_HOME": "/x"}, Path("/x/berth")),
        ({"XDG_CACHE_HOME": "relative"}, Path.home() / ".cache/berth"),
        ({}, Path.home() / ".cache/berth"),
    ],
)
def test_the_cache_folder(environment, expected):
    assert cache_folder(environment) == expected


def test_unpacking_that_is_stopped_leaves_nothing(archive, tmp_path):
    def stop(_):
        raise SystemExit(0)

    with pytest.raises(SystemExit):
        unpack_once(archive, tmp_path / "cache", stop)
    assert list((tmp_path / "cache").iterdir()) == []
