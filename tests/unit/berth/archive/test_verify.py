"""verify_archive: nothing altered, missing, added or outside, in a .mar and in the folder it was unpacked to."""

import hashlib
import zipfile
import zlib
from pathlib import Path

import pytest

from berth.archive.content import SUMS, ArchivePlan, Content, Member
from berth.archive.verify import read_archive, verify_archive
from berth.archive.write import write_archive
from berth.archive.zip_layout import Entry, directory, local_header, read_places
from berth.errors import Refused

DATA = {"checkpoint/config.json": b"{}", "checkpoint/model.safetensors": bytes(3_000_000), "handler/a.py": b"A = 1\n"}
NAMES = [*DATA, SUMS]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    members = tuple(Member(name=name, source=data) for name, data in DATA.items())
    write_archive(ArchivePlan(members=members), tmp_path / "small.mar")
    return tmp_path / "small.mar"


@pytest.fixture
def folder(archive: Path, tmp_path: Path) -> Path:
    (tmp_path / "unpacked").mkdir()
    read_archive(archive, tmp_path / "unpacked")
    return tmp_path / "unpacked"


def test_both_forms_hold_the_same(archive, folder):
    content = verify_archive(archive)
    assert content == verify_archive(folder)
    assert content.digests == {name: hashlib.sha256(data).hexdigest() for name, data in DATA.items()}
    assert content.id == hashlib.sha256((folder / SUMS).read_bytes()).hexdigest()


def test_the_digest_list_is_what_sha256sum_writes(folder):
    lines = (folder / SUMS).read_text("ascii").splitlines()
    assert lines == [f"{hashlib.sha256(data).hexdigest()}  {name}" for name, data in DATA.items()]


@pytest.mark.parametrize("name", NAMES)
def test_an_altered_member_of_a_mar_is_named(archive, name):
    with archive.open("r+b") as file:
        place = next(place for place in read_places(file) if place.entry.name == name)
        offset = place.start + place.entry.size_bytes // 2
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))
    with pytest.raises(Refused, match=f"member {name}"):
        verify_archive(archive)


@pytest.mark.parametrize("name", NAMES)
def test_an_altered_member_of_a_folder_is_named(folder, name):
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(Refused, match=rf"member .*{name}"):
        verify_archive(folder)


@pytest.mark.parametrize("name", list(DATA))
def test_a_missing_member_of_a_folder_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(Refused, match=rf"member {name} is missing"):
        verify_archive(folder)


@pytest.mark.parametrize("name", ["added.py", "handler/b.py", "handler/.hidden", "a/b/c"])
def test_an_added_file_is_named(folder, name):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).touch()
    with pytest.raises(Refused, match=rf"member {name} was added"):
        verify_archive(folder)


def test_an_added_empty_folder_is_named(folder):
    (folder / "ts").mkdir()
    with pytest.raises(Refused, match="member ts/ was added"):
        verify_archive(folder)


def test_a_link_is_refused_even_to_the_same_bytes(folder, tmp_path):
    (tmp_path / "elsewhere.py").write_bytes(DATA["handler/a.py"])
    (folder / "handler/a.py").unlink()
    (folder / "handler/a.py").symlink_to(tmp_path / "elsewhere.py")
    with pytest.raises(Refused, match=r"member handler/a\.py is a link"):
        verify_archive(folder)


SUMS_OF_A = Content(digests={"a": hashlib.sha256(b"A").hexdigest()}).to_sums()


def _zip(path: Path, *members: tuple[str, bytes]) -> Path:
    """An archive of the canonical layout with just these members, whatever its digest list says."""
    entries = [Entry(name=name, size_bytes=len(data), crc32=zlib.crc32(data)) for name, data in members]
    data = b"".join(local_header(entry) + data for entry, (_, data) in zip(entries, members, strict=True))
    path.write_bytes(data + directory(entries))
    return path


def test_a_member_that_the_digest_list_does_not_name_is_refused(tmp_path):
    verify_archive(_zip(tmp_path / "good.mar", ("a", b"A"), (SUMS, SUMS_OF_A)))
    path = _zip(tmp_path / "extra.mar", ("a", b"A"), ("b", b"B"), (SUMS, SUMS_OF_A))
    with pytest.raises(Refused, match="member b was added"):
        verify_archive(path)


def test_a_second_digest_list_is_refused(tmp_path):
    path = _zip(tmp_path / "twice.mar", (SUMS, b"another"), ("a", b"A"), (SUMS, SUMS_OF_A))
    with pytest.raises(Refused, match=f"2 members are named {SUMS}"):
        verify_archive(path)


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside", "a\\b"])
def test_a_digest_list_that_leads_outside_is_refused(folder, name):
    digest = hashlib.sha256(b"").hexdigest()
    (folder / SUMS).write_text(f"{digest}  {name}\n", "ascii")
    with pytest.raises(Refused, match="path is relative"):
        verify_archive(folder)


def test_what_is_no_archive_is_refused(tmp_path):
    with pytest.raises(Refused, match="does not exist"):
        verify_archive(tmp_path / "absent.mar")
    (tmp_path / "text.mar").write_text("no zip")
    with pytest.raises(Refused, match="not an archive that berth made"):
        verify_archive(tmp_path / "text.mar")
    (tmp_path / "folder").mkdir()
    with pytest.raises(Refused, match="is not an unpacked archive"):
        verify_archive(tmp_path / "folder")
    with pytest.raises(Refused, match=rf"holds some: name them, as in {tmp_path}/\*\.mar"):
        verify_archive(tmp_path)
    with zipfile.ZipFile(tmp_path / "other.mar", "w") as file:
        file.writestr("a", "A")
    with pytest.raises(Refused, match="was not packed by berth"):
        verify_archive(tmp_path / "other.mar")
