"""refuse_damaged: every way in which a download, a copy or an editor spoils a file, by each kind of file."""

import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from berth.errors import Refused
from berth.pack.check.damaged import refuse_damaged
from berth.pack.check.foreign import refuse_foreign
from berth.pack.load_checkpoint import load_checkpoint
from handler.config import Task

LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0a1b\nsize 17082987\n"
PAGE = b"\n<!DOCTYPE html><html><title>Sign in</title></html>"
CLOUD_ERROR = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'
NOBODY = 65534
JSON_FILES = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "config_sentence_transformers.json",
)
SPOILED = {
    b"": "is empty: download the checkpoint again",
    LFS_POINTER: "is a git-lfs pointer in the place of the file: run `git lfs pull` in ",
    PAGE: "is a web page in the place of the file",
    CLOUD_ERROR: "is a web page in the place of the file",
}
SPOILED_JSON = SPOILED | {
    b'{"a": 1': "is not JSON: Expecting ',' delimiter",
    b"[1, 2]": "does not hold a JSON object: download the checkpoint again",
    b'"a"': "does not hold a JSON object",
    b'{"a": "\xff"}': "is not UTF-8: 'utf-8' codec can't decode byte 0xff",
    '\ufeff{"a": 1}'.encode(): "begins with a byte order mark: save it as UTF-8 without one",
    '{"a": 1}'.encode("utf-16"): "begins with a byte order mark",
    b'{"a": ' + b"[" * 100_000: "is nested too deeply",
    b'{"a": NaN}': "holds NaN, which is not JSON",
    b'{"a": [-Infinity]}': "holds -Infinity, which is not JSON",
}


@pytest.fixture
def folder(checkpoint, tmp_path) -> Path:
    """A whole checkpoint, to spoil."""
    return Path(shutil.copytree(checkpoint("bert", Task.TEXT_CLASSIFICATION), tmp_path / "model"))


def _refusal(folder: Path) -> str:
    with pytest.raises(Refused) as refused:
        refuse_damaged(folder)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_whole_checkpoint_goes_on(folder):
    refuse_damaged(folder)
    (folder / "trainer_state.json").write_text('{"loss": NaN}')  # nobody asks it how the model answers
    (folder / "README.md").touch()
    refuse_damaged(folder)


@pytest.mark.parametrize("name", JSON_FILES)
@pytest.mark.parametrize("content", SPOILED_JSON, ids=lambda content: str(content[:12]))
def test_json_that_is_spoiled(folder, name, content):
    (folder / name).write_bytes(content)
    assert f"{folder / name} {SPOILED_JSON[content]}" in _refusal(folder)


@pytest.mark.parametrize("name", ["vocab.txt", "merges.txt", "spiece.model", "model.safetensors"])
@pytest.mark.parametrize("content", SPOILED, ids=lambda content: str(content[:12]))
def test_other_files_that_are_spoiled(folder, name, content):
    (folder / name).write_bytes(content)
    assert f"{folder / name} {SPOILED[content]}" in _refusal(folder)


def test_a_vocabulary_that_is_not_utf_8(folder):
    (folder / "vocab.txt").write_bytes("Größe\n".encode("latin-1"))
    assert "vocab.txt is not UTF-8" in _refusal(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_something_else_in_the_place_of_a_file(folder, name):
    path = folder / name
    path.unlink()
    path.symlink_to("../blobs/0a1b")
    assert f"{path} is a link to ../blobs/0a1b, which is not there: copy the file into its place" in _refusal(folder)
    path.unlink()
    path.symlink_to(name)
    assert f"{path} is a link to {name}, which is not there" in _refusal(folder)
    path.unlink()
    path.mkdir()
    assert f"{path} is a folder in the place of a file" in _refusal(folder)
    path.rmdir()
    os.mkfifo(path)  # nobody writes into it: to open it would wait for ever
    assert f"{path} is neither a file nor a folder, and stands in the place of a file" in _refusal(folder)


def test_foreign_files_are_looked_for_only_in_what_can_be_read(folder):
    (folder / "config.json").write_text("[")
    with pytest.raises(Refused, match=r"config\.json is not JSON"):
        refuse_foreign(folder)


@contextmanager
def _another_user() -> Iterator[None]:
    """Root may read everything, so that a right can be missed only by somebody else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def _open_to_all(folder: Path) -> None:
    for parent in (folder, *folder.parents):
        if parent.name.startswith("pytest-") or parent.is_relative_to(folder.parent):
            parent.chmod(0o755)
    for file in folder.iterdir():
        file.chmod(0o644)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_file_without_the_right_to_read_it(folder, name):
    _open_to_all(folder)
    (folder / name).chmod(0)
    with _another_user():
        said = _refusal(folder)
    assert (
        f"{folder / name} cannot be read: Permission denied; see to it that `head -c 9 {folder / name}` works" in said
    )


@pytest.mark.parametrize("mode", [0, 0o444])
def test_a_folder_without_the_right_to_read_it(folder, mode):
    _open_to_all(folder)
    folder.chmod(mode)
    with _another_user():
        said = _refusal(folder)
    folder.chmod(0o755)
    assert f"{folder} cannot be read: Permission denied; see to it that `ls {folder}` works" in said


def _header(length: int, content: bytes) -> bytes:
    return struct.pack("<Q", length) + content


ENTRY = b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x07", "is not a safetensors file"),
        (_header(10_000, b"{}"), "its header would have 10000 bytes, and 2 are there; download the checkpoint again"),
        (_header(2**40, b"{}"), f"{2**40} bytes are too many for a header"),
        (_header(4, b"[{}]"), "is not a safetensors file"),
        (_header(9, b'{"a": {}}'), "is not a safetensors file: 'dtype'"),
        (_header(len(ENTRY), ENTRY) + bytes(7), f"has {8 + len(ENTRY) + 7} bytes, and by its header it would have"),
        (_header(len(ENTRY), ENTRY) + bytes(9), f"has {8 + len(ENTRY) + 9} bytes, and by its header it would have"),
        (_header(60_000, b"[" * 60_000), "is not a safetensors file"),
    ],
)
def test_weights_that_are_damaged(folder, content, said):
    (folder / "model.safetensors").write_bytes(content)
    refusal = _refusal(folder)
    assert str(folder / "model.safetensors") in refusal
    assert said in refusal
    assert "download" in refusal


def test_weights_that_are_cut_short_are_seen_by_their_length(folder):
    path = folder / "model.safetensors"
    os.truncate(path, path.stat().st_size - 1)
    assert "download it again" in _refusal(folder)


@pytest.mark.parametrize(
    ("index", "ending"), [("model.safetensors.index.json", "safetensors"), ("pytorch_model.bin.index.json", "bin")]
)
def test_a_shard_that_is_missing(folder, index, ending):
    (folder / "model.safetensors").unlink()
    names = [f"model-0000{number}-of-00002.{ending}" for number in (1, 2)]
    (folder / index).write_text(json.dumps({"weight_map": {"a": names[0], "b": names[1]}}))
    (folder / names[0]).write_bytes(_header(len(ENTRY), ENTRY) + bytes(8))
    assert f"{folder / index} names {names[1]}, which is not there: download the checkpoint again" in _refusal(folder)
    (folder / names[1]).write_bytes(LFS_POINTER)
    assert f"{folder / names[1]} is a git-lfs pointer" in _refusal(folder)
    (folder / index).write_text('{"weight_map": {}}')
    assert "names no weights at all" in _refusal(folder)


def test_shards_without_their_index(folder):
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    assert f"{folder} has no model.safetensors.index.json: download it too" in _refusal(folder)


def test_the_modules_of_sentence_transformers_are_looked_at(folder):
    module = {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"}
    (folder / "modules.json").write_text(json.dumps([module]))
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "config.json").write_text("{")
    assert f"{folder / '2_Dense' / 'config.json'} is not JSON" in _refusal(folder)
    (folder / "2_Dense" / "config.json").write_text("{}")
    (folder / "2_Dense" / "model.safetensors").write_bytes(LFS_POINTER)
    assert f"{folder / '2_Dense' / 'model.safetensors'} is a git-lfs pointer" in _refusal(folder)
    (folder / "modules.json").write_text("{}")
    assert "does not hold a list of modules" in _refusal(folder)


def test_a_file_outside_the_checkpoint_is_not_read(folder, tmp_path):
    (tmp_path / "secret.txt").write_bytes(b"\xff")
    (folder / "vocab.txt").symlink_to("../secret.txt")
    refuse_damaged(folder)
    with pytest.raises(Refused, match=r"vocab\.txt leads outside the checkpoint"):
        load_checkpoint(folder, None)


def test_a_hugging_face_cache_is_read_through_its_links(folder, tmp_path):
    snapshot, blobs = tmp_path / "models--o--m/snapshots/0a1b", tmp_path / "models--o--m/blobs"
    snapshot.mkdir(parents=True)
    shutil.move(folder, blobs)
    for path in blobs.iterdir():
        (snapshot / path.name).symlink_to(Path("../../blobs") / path.name)
    refuse_damaged(snapshot)
    (blobs / "tokenizer.json").write_bytes(LFS_POINTER)
    assert f"{snapshot / 'tokenizer.json'} is a git-lfs pointer" in _refusal(snapshot)
    (blobs / "tokenizer.json").unlink()
    assert f"{snapshot / 'tokenizer.json'} is a link to ../../blobs/tokenizer.json" in _refusal(snapshot)


def test_nothing_heavy_is_imported(folder):
    program = (
        "import sys; from pathlib import Path; from berth.pack.check.damaged import refuse_damaged; "
        "refuse_damaged(Path(sys.argv[1])); "
        "print(sorted({'numpy', 'safetensors', 'tokenizers', 'torch', 'transformers'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
