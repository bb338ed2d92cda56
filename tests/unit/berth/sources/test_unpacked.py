"""An archive of a folder: unpacked, entered, named; and nothing is written outside its folder."""

import io
import os
import shutil
import tarfile
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest

from berth.errors import Refused
from berth.progress import Silence
from berth.sources.source import opened

from .conftest import CHECKPOINT, write_files

FORMATS = {"zip": ".zip", "tar": ".tar", "gztar": ".tar.gz", "bztar": ".tar.bz2", "xztar": ".tar.xz"}
Usage = namedtuple("Usage", "total used free")


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("inner", ["", "a folder/in it"])
def test_an_archive_is_entered_and_named_after_its_file(tmp_path, open_source, form, inner):
    write_files(tmp_path / "files" / inner)
    shutil.make_archive(str(tmp_path / "my.model-1"), form, tmp_path / "files")
    source = open_source(str(tmp_path / f"my.model-1{FORMATS[form]}"))
    assert (source.name, source.revision) == ("my.model-1", None)
    assert _files(source.folder) == CHECKPOINT


def test_what_macos_adds_is_passed_over(tmp_path, open_source):
    write_files(tmp_path / "files" / "inner")
    write_files(tmp_path / "files", {"__MACOSX/._config.json": b"", ".DS_Store": b""})
    shutil.make_archive(str(tmp_path / "bert"), "zip", tmp_path / "files")
    assert _files(open_source(str(tmp_path / "bert.zip")).folder) == CHECKPOINT


def test_a_training_in_an_archive(tmp_path, open_source):
    write_files(tmp_path / "files" / "out" / "checkpoint-5")
    shutil.make_archive(str(tmp_path / "run"), "gztar", tmp_path / "files")
    (tmp_path / "run.tar.gz").rename(tmp_path / "run.TGZ")
    source = open_source(str(tmp_path / "run.TGZ"))
    assert (source.folder.name, source.name) == ("checkpoint-5", "run")


def test_it_goes_with_the_context(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    write_files(tmp_path / "files")
    shutil.make_archive(str(tmp_path / "bert"), "zip", tmp_path / "files")
    with opened(str(tmp_path / "bert.zip"), Silence()) as source:
        assert source.folder.is_relative_to(tmp_path / "tmp")
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../escaped", "/tmp/escaped", "a/../../escaped", "..\\escaped", "C:\\escaped", "\\escaped"]
)
def test_a_zip_that_leads_out_is_refused(tmp_path, open_source, name):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(Refused, match=r"bad\.zip would write outside its folder, to '"):
        open_source(str(tmp_path / "bad.zip"))


def test_a_link_in_a_zip_is_refused(tmp_path, open_source):
    link = zipfile.ZipInfo("config.json")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(Refused, match=r"bad\.zip holds a link, 'config\.json': make it again with"):
        open_source(str(tmp_path / "bad.zip"))


def _member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    "member",
    [
        _member("../escaped"),
        _member("a/../../escaped"),
        _member("config.json", tarfile.SYMTYPE, "/etc/passwd"),
        _member("config.json", tarfile.SYMTYPE, "../../etc/passwd"),
        _member("config.json", tarfile.LNKTYPE, "../../etc/passwd"),
        _member("null", tarfile.CHRTYPE),
        _member("disk", tarfile.BLKTYPE),
        _member("pipe", tarfile.FIFOTYPE),
    ],
    ids=lambda member: f"{member.name}-{member.type.decode()}",
)
def test_a_tar_that_leads_out_or_holds_no_file_is_refused(tmp_path, open_source, member):
    with tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as archive:
        archive.addfile(member)
    with pytest.raises(
        Refused, match=rf"bad\.tar\.gz holds '{member.name}', which leads out of its folder or is no file"
    ):
        open_source(str(tmp_path / "bad.tar.gz"))


def test_a_link_within_a_tar_is_followed(tmp_path, open_source):
    write_files(tmp_path / "files")
    (tmp_path / "files" / "config.json").rename(tmp_path / "files" / "real.json")
    (tmp_path / "files" / "config.json").symlink_to("real.json")
    shutil.make_archive(str(tmp_path / "bert"), "tar", tmp_path / "files")
    folder = open_source(str(tmp_path / "bert.tar")).folder
    assert (folder / "config.json").read_bytes() == CHECKPOINT["config.json"]


@pytest.mark.parametrize("form", ["zip", "gztar"])
def test_more_than_the_disk_holds_is_refused_before_it_is_written(tmp_path, open_source, monkeypatch, form):
    (tmp_path / "files").mkdir()
    with (tmp_path / "files" / "zeros").open("wb") as zeros:
        os.truncate(zeros.fileno(), 50_000_000)  # 50 kB once it is compressed
    shutil.make_archive(str(tmp_path / "bomb"), form, tmp_path / "files")
    monkeypatch.setattr("shutil.disk_usage", lambda _path: Usage(0, 0, 2_000_000))  # a disk that is nearly full
    with pytest.raises(Refused, match=r"takes 50 MB and .* has 2 MB free: make room there, or set TMPDIR"):
        open_source(str(tmp_path / f"bomb{FORMATS[form]}"))


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [
        (suffix, damage)
        for suffix in FORMATS.values()
        for damage in ("empty", "page", "half", "altered")
        if (suffix, damage) != (".tar", "altered")  # it keeps no checksum of its files
    ],
)
def test_a_damaged_archive_is_refused(tmp_path, open_source, suffix, damage):
    write_files(tmp_path / "files", CHECKPOINT | {"model.safetensors": os.urandom(100_000)})
    form = next(form for form, ending in FORMATS.items() if ending == suffix)
    path = Path(shutil.make_archive(str(tmp_path / "bert"), form, tmp_path / "files"))
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(
        {
            "empty": b"",
            "page": b"<!doctype html>" * 100,
            "half": data[:middle],
            "altered": data[:middle] + bytes(100) + data[middle + 100 :],
        }[damage]
    )
    with pytest.raises(Refused, match=r"is damaged or not what its name says \(.*\): make or download it"):
        open_source(str(path))


def test_a_zip_with_a_password_is_refused(tmp_path, open_source):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("config.json", b"{}")
    data = bytearray(buffer.getvalue())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flags of the member and of the index
        data[data.index(signature) + offset] |= 1
    (tmp_path / "secret.zip").write_bytes(data)
    with pytest.raises(Refused, match=r"secret\.zip needs a password for 'config\.json': unpack it"):
        open_source(str(tmp_path / "secret.zip"))


def test_a_zip_of_a_kind_that_python_cannot_unpack_is_refused(tmp_path, open_source):
    with zipfile.ZipFile(tmp_path / "windows.zip", "w") as archive:
        archive.writestr("config.json", b"{}")
    content = bytearray((tmp_path / "windows.zip").read_bytes())
    for header, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        content[content.index(header) + place] = 9  # Deflate64
    (tmp_path / "windows.zip").write_bytes(content)
    with pytest.raises(Refused, match=r"windows\.zip is packed in a way that cannot be read here \(That compression"):
        open_source(str(tmp_path / "windows.zip"))
