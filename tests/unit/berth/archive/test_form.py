"""The form of an archive: whatever reads archives refuses one that it does not know, and says which berth packed it."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from berth import __version__
from berth.archive.content import MODEL_CONFIG, ArchivePlan, Member
from berth.archive.form import check_form, form_section
from berth.archive.unpack import unpack_once
from berth.archive.verify import read_content, verify_archive
from berth.archive.write import write_archive
from berth.errors import Refused
from berth.memory.model_size import ModelSize
from berth.serve.prepare import prepare_models

NEWER = b"berth:\n  form: 3\n  version: 9.8.7\nbatchSize: 8\n"
REFUSAL = (
    rf"^\S*new\S* was packed by berth 9\.8\.7 in form 3, and this is berth {__version__}.*: install berth 9\.8\.7, or"
)
READERS: dict[str, Callable[[Path], object]] = {
    "verify": verify_archive,
    "content": read_content,
    "serve": lambda archive: prepare_models([archive]),
    "budget": ModelSize.read,
}


def _write(path: Path, config: bytes) -> Path:
    write_archive(ArchivePlan(members=(Member(name=MODEL_CONFIG, source=config),)), path)
    return path


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return _write(tmp_path / "new.mar", NEWER)


@pytest.fixture
def newer_folder(newer: Path) -> Path:
    with zipfile.ZipFile(newer) as opened:
        opened.extractall(newer.with_suffix(""))
    return newer.with_suffix("")


@pytest.mark.parametrize("reader", list(READERS))
def test_a_newer_form_is_refused(newer: Path, reader: str) -> None:
    with pytest.raises(Refused, match=REFUSAL):
        READERS[reader](newer)


@pytest.mark.parametrize("reader", ["verify", "serve", "budget"])
def test_a_newer_form_in_a_folder_is_refused(newer_folder: Path, reader: str) -> None:
    with pytest.raises(Refused, match=REFUSAL):
        READERS[reader](newer_folder)


def test_a_newer_form_may_have_another_layout(newer: Path) -> None:
    with zipfile.ZipFile(newer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(MODEL_CONFIG, NEWER)
    with pytest.raises(Refused, match=REFUSAL):
        verify_archive(newer)


@pytest.mark.parametrize(
    "section", [b"berth: 1\n", b"berth: {}\n", b"berth: {form: 1}\n", b"berth: {form: two, version: 1.2.3}\n"]
)
def test_what_no_berth_writes_is_refused(tmp_path: Path, section: bytes) -> None:
    with pytest.raises(Refused, match="is not as any berth writes it: pack the checkpoint again"):
        verify_archive(_write(tmp_path / "odd.mar", section))


@pytest.mark.parametrize("config", [b"batchSize: 8\n", b"", b"a list: [\n", b"\xff\xfe", b"- a\n"])
def test_an_archive_without_a_form_is_left_to_the_verifier(tmp_path: Path, config: bytes) -> None:
    archive = _write(tmp_path / "old.mar", config)
    assert verify_archive(unpack_once(archive, tmp_path / "cache")) == verify_archive(archive)


def test_an_alteration_is_still_named(tmp_path: Path) -> None:
    archive = _write(tmp_path / "altered.mar", b"berth: {form: 1, version: 0.1.0}\n")
    archive.write_bytes(archive.read_bytes().replace(b"0.1.0", b"9.1.0"))
    with pytest.raises(Refused, match=rf"member {MODEL_CONFIG} is altered"):
        verify_archive(archive)


def test_what_is_not_there_has_no_form(tmp_path: Path) -> None:
    check_form(tmp_path / "absent.mar")
    check_form(tmp_path)


def test_the_section_says_where_a_checkpoint_came_from() -> None:
    assert form_section({}) == {"form": 2, "version": __version__}
    assert form_section({"source": "org/model", "revision": "0a1b"})["revision"] == "0a1b"


def test_an_archive_is_named_beside_the_name_of_its_model(tmp_path: Path) -> None:
    (tmp_path / "bert.mar").touch()
    with pytest.raises(Refused, match=r"bert does not exist, but bert\.mar beside it does: name that"):
        read_content(tmp_path / "bert")
    with pytest.raises(Refused, match="none does not exist: pack a checkpoint"):
        read_content(tmp_path / "none")
