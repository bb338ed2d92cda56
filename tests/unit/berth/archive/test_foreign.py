"""A .mar of torch-model-archiver is told apart from one of berth's that was altered."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from berth.archive.verify import verify_archive
from berth.errors import Refused
from berth.inspection.inspect import inspect_archive
from berth.memory.model_size import ModelSize

ARCHIVER = str(Path(sys.executable).with_name("torch-model-archiver"))
READERS = {"verify": verify_archive, "budget": ModelSize.read, "inspect": inspect_archive}


def _make(folder: Path, *names: str) -> Path:
    """A .mar with these files, by torch-model-archiver itself."""
    for name in ("handler.py", *names):
        (folder / name).write_text("{}", "utf-8")
    files = ["--extra-files", ",".join(str(folder / name) for name in names)]
    command = [ARCHIVER, "--model-name", "old", "--version", "1.0", "--handler", str(folder / "handler.py"), *files]
    subprocess.run([*command, "--export-path", str(folder)], capture_output=True, check=True)
    return folder / "old.mar"


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_another_tools_archive_is_named_with_the_way_on(tmp_path, reader):
    archive = _make(tmp_path, "config.json", "pytorch_model.bin", "vocab.txt")
    with pytest.raises(Refused) as refused:
        reader(archive)
    assert str(refused.value) == (
        f"{archive} was not packed by berth: it is torch-model-archiver's, with the handler handler.py, and holds "
        "MAR-INF/MANIFEST.json, config.json, handler.py, pytorch_model.bin, vocab.txt; "
        f"`berth pack {archive}` packs the checkpoint in it with berth's own handler"
    )


def test_one_without_a_checkpoint_is_sent_to_its_folder(tmp_path):
    with pytest.raises(Refused, match="it carries no checkpoint: pack the folder that it was made of"):
        verify_archive(_make(tmp_path, "model.pt"))


def test_a_zip_of_anything_is_not_an_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.mar", "w") as file:
        file.writestr("notes.txt", "x")
    with pytest.raises(Refused, match=r"is a zip without a handler, and holds notes\.txt"):
        verify_archive(tmp_path / "a.mar")


MANIFEST_DATA = 30 + len("MAR-INF/MANIFEST.json")  # behind the header of the first member


@pytest.mark.parametrize(
    ("place", "value"),
    [(MANIFEST_DATA, b"\xff\xff\xff"), (6, b"\x01"), (8, b"\x09")],
    ids=["altered", "encrypted", "unknown"],
)
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_another_tools_manifest_that_cannot_be_read_is_no_traceback(tmp_path, reader, place, value):
    path = tmp_path / "old.mar"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("MAR-INF/MANIFEST.json", '{"model": {"handler": "handler.py"}}')
        file.writestr("model.pt", "x")
    data = bytearray(path.read_bytes())
    places = [place] if place == MANIFEST_DATA else [place, data.index(b"PK\x01\x02") + place + 2]
    for each in places:  # in the member's own header, and in the directory
        data[each : each + len(value)] = value
    path.write_bytes(data)
    with pytest.raises(Refused, match=r"a manifest that names no handler or cannot be read, and holds MAR-INF/MANI"):
        reader(path)
