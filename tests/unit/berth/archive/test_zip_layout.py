"""The canonical zip: others read it, and no byte of its structure can change unseen."""

import io
import random
import zipfile
import zlib
from pathlib import Path

import pytest

from berth.archive.content import SUMS, ArchivePlan, Member
from berth.archive.write import write_archive
from berth.archive.zip_layout import MAX_BYTES, Entry, check_name, check_size, directory, local_header, read_places
from berth.errors import Refused

DATA = {"a.txt": b"alpha", "b/c.bin": bytes(range(256)), "b/empty": b""}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    members = tuple(Member(name=name, source=data) for name, data in DATA.items())
    write_archive(ArchivePlan(members=members), tmp_path / "small.mar")
    return tmp_path / "small.mar"


def _structure(data: bytes) -> list[int]:
    """The offsets of every byte that is no member's data."""
    places = read_places(io.BytesIO(data))
    members = {place.start + i for place in places for i in range(place.entry.size_bytes)}
    return sorted(set(range(len(data))) - members)


def test_zipfile_reads_it(archive):
    with zipfile.ZipFile(archive) as file:
        assert file.testzip() is None
        assert file.namelist() == [*DATA, SUMS]
        assert {name: file.read(name) for name in DATA} == DATA
        info = file.infolist()[0]
    assert (info.date_time, info.external_attr >> 16, info.compress_type) == ((1980, 1, 1, 0, 0, 0), 0o100644, 0)


def test_zipfile_would_write_the_same_bytes_but_for_large_archives(archive):
    written = io.BytesIO()
    with zipfile.ZipFile(archive) as file, zipfile.ZipFile(written, "w") as copy:
        for name in file.namelist():
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.create_system, member.create_version, member.extract_version = 3, 10, 10
            member.external_attr = 0o100644 << 16
            copy.writestr(member, file.read(name))
    assert written.getvalue() == archive.read_bytes()
    assert zipfile.ZIP64_LIMIT == MAX_BYTES // 2  # behind it zipfile cannot write what java and our reader take


def test_streams_without_the_central_directory(archive):
    """As java's ZipInputStream reads: the local header alone gives name, size and CRC."""
    name, data = next(iter(DATA.items()))
    expected = local_header(Entry(name=name, size_bytes=len(data), crc32=zlib.crc32(data))) + data
    assert archive.read_bytes().startswith(expected)


def test_every_altered_byte_of_the_structure_is_refused(archive):
    whole = archive.read_bytes()
    offsets = _structure(whole)
    assert len(offsets) > 300
    for offset in offsets:
        for bit in (0x01, 0x20, 0x80):
            altered = bytearray(whole)
            altered[offset] ^= bit
            with pytest.raises(Refused):
                read_places(io.BytesIO(altered))


def test_every_truncation_and_any_appended_byte_is_refused(archive):
    whole = archive.read_bytes()
    for end in range(len(whole)):
        with pytest.raises(Refused):
            read_places(io.BytesIO(whole[:end]))
    with pytest.raises(Refused, match="directory"):
        read_places(io.BytesIO(whole + b"\0"))


def test_noise_is_refused():
    noise = random.Random(7)
    for size in (0, 1, 21, 22, 4096):
        with pytest.raises(Refused, match="not an archive that berth made"):
            read_places(io.BytesIO(noise.randbytes(size)))


def test_members_out_of_order_are_refused():
    entries = [Entry(name=name, size_bytes=0, crc32=0) for name in ("b", "a", SUMS)]
    data = b"".join(local_header(entry) for entry in entries) + directory(entries)
    with pytest.raises(Refused, match="member a stands after b"):
        read_places(io.BytesIO(data))


@pytest.mark.parametrize("names", [("a", "a", SUMS), ("A", SUMS, "a", SUMS)])
def test_a_name_that_stands_twice_is_refused(names):
    entries = [Entry(name=name, size_bytes=0, crc32=0) for name in names]
    data = b"".join(local_header(entry) for entry in entries) + directory(entries)
    with pytest.raises(Refused, match=rf"2 members are named ({SUMS}|a)$"):
        read_places(io.BytesIO(data))


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../up", "a/../b", "a//b", "a/", "./a", "a\\b", "C:a", "a\nb", "ü", "a\0"]
)
def test_names_that_leave_the_archive_are_refused(name):
    with pytest.raises(Refused, match="path is relative"):
        check_name(name)


def test_more_than_4_gib_is_refused():
    check_size(MAX_BYTES, "member x")
    with pytest.raises(Refused, match=r"member x has 4,294,967,296 bytes.*4 GiB"):
        check_size(MAX_BYTES + 1, "member x")
    with pytest.raises(Refused, match="the archive has"):
        directory([Entry(name=name, size_bytes=MAX_BYTES // 2, crc32=0) for name in "abc"])
