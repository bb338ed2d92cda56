"""Addresses of fsspec, by its file systems of this process's memory and of this machine."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from berth.errors import Refused
from berth.progress import Silence
from berth.sources.source import opened

from .conftest import CHECKPOINT, Recorder, write_files
from .test_unpacked import Usage


@pytest.fixture
def memory() -> Iterator[MemoryFileSystem]:
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_in_memory(memory, open_source):
    more = {"1_Pooling/config.json": b"{}", "optimizer.pt": b"large", "pytorch_model.bin": b"twice"}
    for name, data in (CHECKPOINT | more).items():
        memory.pipe(f"/models/tiny/{name}", data)
    source = open_source("memory://models/tiny/")
    assert (source.name, source.address, source.revision) == ("tiny", "memory://models/tiny/", None)
    assert _files(source.folder) == {*CHECKPOINT, "1_Pooling/config.json"}
    assert (source.folder / "model.safetensors").read_bytes() == CHECKPOINT["model.safetensors"]


def test_a_folder_of_this_machine_goes_with_the_context(tmp_path):
    progress = Recorder()
    with opened(write_files(tmp_path / "tiny").as_uri(), progress) as source:
        assert _files(source.folder) == set(CHECKPOINT)
        assert source.name == "tiny"
    assert not source.folder.exists()
    assert progress.steps == [f"downloading file://{tmp_path}/tiny (0 MB)"]
    assert progress.done == progress.totals == [sum(map(len, CHECKPOINT.values()))]


def test_weights_are_fetched_only_after_a_look_at_the_rest(memory):
    for name, data in (CHECKPOINT | {"model.safetensors": b"w"}).items():
        memory.pipe(f"/tiny/{name}", data)
    seen: list[set[str]] = []
    with opened("memory://tiny", Silence(), lambda folder: seen.append(_files(folder))) as source:
        assert seen == [{"config.json", "tokenizer.json", "tokenizer_config.json"}]
        assert _files(source.folder) == set(CHECKPOINT)


def test_progress_is_told_in_bytes_as_they_come(memory):
    memory.pipe("/tiny/model.safetensors", bytes(20_000_000))
    memory.pipe("/tiny/config.json", b"{}")
    progress = Recorder()
    with opened("memory://tiny", progress):
        assert progress.done == progress.totals == [20_000_002]


def test_an_archive_is_fetched_and_unpacked(tmp_path, open_source):
    write_files(tmp_path / "files")
    path = shutil.make_archive(str(tmp_path / "model"), "gztar", tmp_path / "files")
    source = open_source(Path(path).as_uri())
    assert source.name == "model"
    assert _files(source.folder) == set(CHECKPOINT)


def test_a_checkpoint_is_named_after_its_training(memory, open_source):
    for name, data in CHECKPOINT.items():
        memory.pipe(f"/runs/mood/checkpoint-500/{name}", data)
    assert open_source("memory://runs/mood/checkpoint-500").name == "mood"
    with pytest.raises(Refused, match="memory://runs/mood holds no model, but checkpoint-500: give one of them"):
        open_source("memory://runs/mood")


def test_a_file_that_arrives_short_is_refused(memory, open_source, monkeypatch):
    for name, data in CHECKPOINT.items():
        memory.pipe(f"/tiny/{name}", data)
    find = MemoryFileSystem.find

    def larger(self: MemoryFileSystem, path: str, **more: object) -> object:
        found = find(self, path, **more)
        return {name: entry | {"size": entry["size"] + 1} for name, entry in found.items()}

    monkeypatch.setattr(MemoryFileSystem, "find", larger)  # a listing that is ahead of the files
    with pytest.raises(Refused, match=r"memory://tiny: \S+ has 3 bytes there and arrived with 2: pack it again"):
        open_source("memory://tiny")


def test_more_than_the_disk_holds_is_refused(memory, open_source, monkeypatch):
    for name, data in CHECKPOINT.items():
        memory.pipe(f"/tiny/{name}", data * 1000)
    monkeypatch.setattr("shutil.disk_usage", lambda _path: Usage(0, 0, 1_000_000))  # a disk that is nearly full
    with pytest.raises(Refused, match=r"memory://tiny takes 7 MB and .* has 1 MB free: .*TMPDIR"):
        open_source("memory://tiny")


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("memory://absent", "memory://absent holds no file, or there is no such folder"),
        ("file:///absent/model.tar.gz", r"file:///absent/model\.tar\.gz holds no file"),
        (
            "gs://bucket/model",
            r"gs://bucket/model needs a package .*\): pip install 'berth\[gcs\]'",
        ),
        (
            "s3://bucket/model",
            r"s3://bucket/model needs a package .*\): pip install 'berth\[s3\]'",
        ),
        ("abfs://box/model", r"abfs://box/model needs a package .*\): install with pip what it names$"),
        ("nope://x/y", r"nope://x/y is of no scheme that fsspec knows \("),
        ("ftp://me:secret@127.0.0.1:9/x", r"^ftp://127\.0\.0\.1:9/x cannot be read \(ConnectionRefusedError: "),
    ],
)
def test_what_cannot_be_fetched_is_refused_in_one_sentence(memory, open_source, address, sentence):
    with pytest.raises(Refused, match=sentence) as refused:
        open_source(address)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_an_error_that_names_the_whole_address_shows_no_password(memory, monkeypatch):
    def fail(*_args: object, **_more: object) -> None:
        raise RuntimeError("403 for memory://me:secret@host/tiny")

    monkeypatch.setattr(MemoryFileSystem, "find", fail)
    with (
        pytest.raises(Refused, match=r"RuntimeError: 403 for memory://host/tiny\)"),
        opened("memory://tiny", Silence()),
    ):
        pass


def test_an_address_that_ends_with_two_dots_stays_in_its_folder(memory, open_source):
    for name, data in CHECKPOINT.items():
        memory.pipe(f"/models/../{name}", data)
    assert open_source("memory://models/..").folder.name == "model"
