"""opened: what an address is, and what is said of one that leads nowhere."""

import shutil
import sys
from pathlib import Path

import pytest

from berth.errors import Refused
from berth.progress import Silence
from berth.sources.sample import INSTALL_SAMPLE, SAMPLE_NAME, SAMPLE_PACKAGE, sample_folder
from berth.sources.source import Source, opened


def _open(address: str | None) -> Source:
    with opened(address, Silence()) as source:
        return source


def test_the_sample():
    assert _open(None) == Source(folder=sample_folder(), name=SAMPLE_NAME, address=SAMPLE_NAME)


def test_a_folder_is_opened_where_it_lies(tmp_path, monkeypatch):
    (tmp_path / "my-model").mkdir()
    monkeypatch.chdir(tmp_path / "my-model")
    assert _open(".").name == "my-model"
    assert _open(str(tmp_path / "my-model")).folder == tmp_path / "my-model"


def test_an_altered_sample_is_refused(tmp_path, monkeypatch):
    shutil.copytree(sample_folder(), tmp_path / SAMPLE_PACKAGE / "model")
    (tmp_path / SAMPLE_PACKAGE / "__init__.py").touch()
    with (tmp_path / SAMPLE_PACKAGE / "model" / "model.safetensors").open("r+b") as weights:
        weights.seek(1000)
        weights.write(b"\xff")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Refused, match="is not the published sample model: its sha256 is"):
        _open(None)


def test_an_absent_sample_names_the_command(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(Refused) as refused:
        _open(None)
    assert f"`{INSTALL_SAMPLE}`" in str(refused.value)
    assert "`make setup`" in str(refused.value)


@pytest.mark.parametrize("name", ["org/model", "bert-base-uncased"])
def test_a_hub_id_gets_the_command_that_downloads_it(name):
    with pytest.raises(Refused, match=f"hf download {name} --local-dir {Path(name).name}"):
        _open(name)


def test_what_is_not_a_folder_is_refused(tmp_path):
    with pytest.raises(Refused, match="is not a folder"):
        _open(str(tmp_path / "a" / "b" / "absent"))
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match="is a file: give the folder"):
        _open(str(tmp_path / "file"))
