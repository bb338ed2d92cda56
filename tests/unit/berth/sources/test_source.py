"""opened: what an address is, and what is said of one that leads nowhere."""

import shutil
import sys
import zipfile

import pytest

from berth.errors import Refused
from berth.sources.sample import INSTALL_SAMPLE, SAMPLE_NAME, SAMPLE_PACKAGE, sample_folder
from berth.sources.source import Source

from .conftest import write_files


def test_the_sample(open_source):
    assert open_source(None) == Source(folder=sample_folder(), name=SAMPLE_NAME, address=SAMPLE_NAME)


def test_a_folder_is_opened_where_it_lies(tmp_path, monkeypatch, open_source):
    (tmp_path / "my-model").mkdir()
    monkeypatch.chdir(tmp_path / "my-model")
    assert open_source(".").name == "my-model"
    assert open_source(str(tmp_path / "my-model")).folder == tmp_path / "my-model"


def test_an_altered_sample_is_refused(tmp_path, monkeypatch, open_source):
    shutil.copytree(sample_folder(), tmp_path / SAMPLE_PACKAGE / "model")
    (tmp_path / SAMPLE_PACKAGE / "__init__.py").touch()
    with (tmp_path / SAMPLE_PACKAGE / "model" / "model.safetensors").open("r+b") as weights:
        weights.seek(1000)
        weights.write(b"\xff")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Refused, match="is not the published sample model: its sha256 is"):
        open_source(None)


def test_an_absent_sample_names_the_command(monkeypatch, open_source):
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(Refused) as refused:
        open_source(None)
    assert f"`{INSTALL_SAMPLE}`" in str(refused.value)
    assert "`make setup`" in str(refused.value)


@pytest.mark.parametrize("name", ["org/tiny", "tiny"])
def test_a_folder_of_a_models_name_is_the_folder(tmp_path, monkeypatch, hub, open_source, name):
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path / name)
    assert open_source(name).revision is None
    assert hub.requests == []


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("a/b/absent", "a/b/absent is not there: check the path; an address is a local folder"),
        ("./absent", "./absent is not there: check the path"),
        ("~/absent", "~/absent is not there"),
        ("absent.zip", r"absent\.zip is not there"),
        ("absent.mar", r"absent\.mar is not there"),
        ("gs:/bucket/model", "gs:/bucket/model has lost a slash: give gs://bucket/model, as text and not as a Path"),
        ("", "'' names no checkpoint: an address is a local folder, a .zip or .tar.gz of one, a model of the Hugging"),
        ("two words", "'two words' names no checkpoint: an address is"),
        ("org/name@", "'org/name@' names no checkpoint"),
        ("-x", "'-x' names no checkpoint"),
        ("org/name@a b", "names no checkpoint"),
        ("https://huggingface.co/org/name/tree/main", r"is a page of the Hub: give the model's name, org/name$"),
        ("x" * 300, "cannot be read: .*File name too long"),
    ],
)
@pytest.mark.usefixtures("hub")
def test_what_leads_nowhere_is_refused_in_one_sentence(tmp_path, monkeypatch, open_source, address, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Refused, match=sentence) as refused:
        open_source(address)
    assert "\n" not in str(refused.value)


def test_a_file_is_refused(tmp_path, open_source):
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(Refused, match="is a file: give the folder that holds"):
        open_source(str(tmp_path / "model.safetensors"))


def test_an_archive_of_berth_is_refused_and_another_tools_is_unpacked(tmp_path, open_source):
    with zipfile.ZipFile(tmp_path / "bert.mar", "w") as file:
        file.writestr("MAR-INF/SHA256SUMS", "")
    with pytest.raises(Refused, match=r"bert\.mar is an archive that is already packed: serve it with `berth serve "):
        open_source(str(tmp_path / "bert.mar"))
    with zipfile.ZipFile(tmp_path / "old.mar", "w") as file:
        file.writestr("config.json", "{}")
        file.writestr("MAR-INF/MANIFEST.json", '{"model": {"handler": "mine.py", "modelVersion": "2.0"}}')
    source = open_source(str(tmp_path / "old.mar"))
    assert source.name == "old"
    assert "own handler (mine.py) is left out" in source.notes[0]
    assert "its version (2.0)" in source.notes[0]
