"""An archive's facts, from a .mar and from the folder it is unpacked to; no weights are read."""

import json
import zipfile
from pathlib import Path

import pytest
from safetensors.torch import load_file

from berth.errors import Refused
from berth.memory.model_size import ModelSize
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from handler.config import Task
from tests.support.checkpoints import make_checkpoint
from tests.support.standin import make_standin


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("facts")
    checkpoint = make_checkpoint(folder / "tiny", "distilbert", Task.TEXT_CLASSIFICATION)
    return pack_checkpoint(checkpoint, PackOptions(output=folder)).archive


def test_a_mar_and_its_folder_say_the_same(archive: Path, tmp_path: Path) -> None:
    facts = ModelSize.read(archive)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path)
    assert ModelSize.read(tmp_path) == facts
    numbers = sum(tensor.numel() for tensor in load_file(tmp_path / "checkpoint" / "model.safetensors").values())
    assert facts.num_weights == numbers
    assert facts.weights == {"F32": numbers}
    assert (facts.name, facts.hidden, facts.intermediate, facts.num_labels) == ("tiny", 64, 128, 3)  # dim, hidden_dim
    assert facts.config is not None
    assert facts.config.task is Task.TEXT_CLASSIFICATION


def test_a_handler_that_is_not_ours_has_no_config(tmp_path: Path) -> None:
    facts = ModelSize.read(make_standin(tmp_path))
    assert (facts.config, facts.batch_size, facts.num_weights) == (None, 8, 0)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="does not exist"):
        ModelSize.read(tmp_path / "no.mar")
    (tmp_path / "text.mar").write_text("text")
    for path in (tmp_path / "text.mar", tmp_path):
        with pytest.raises(Refused, match="not an archive that berth packed"):
            ModelSize.read(path)


@pytest.mark.parametrize(("architecture", "kept"), [("bert", 0), ("mpnet", 3), ("deberta-v2", 5)])
def test_attention_that_is_not_fused_keeps_its_scores(architecture: str, kept: int, tmp_path: Path) -> None:
    checkpoint = make_checkpoint(tmp_path / "tiny", architecture, Task.TEXT_CLASSIFICATION)
    heads = json.loads((checkpoint / "config.json").read_text())["num_attention_heads"]
    archive = pack_checkpoint(checkpoint, PackOptions(output=tmp_path)).archive
    assert ModelSize.read(archive).scores == kept * heads
