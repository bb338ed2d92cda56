"""What TorchServe is given of a model, tuned or not."""

from pathlib import Path

import pytest
import yaml

from berth.archive.served_model import ServedModel, read_model
from berth.archive.unpack import unpack_once
from berth.archive.verify import verify_archive
from berth.memory.split import Split
from berth.serve.links import link_model


@pytest.fixture
def model(sample_archive: Path, tmp_path: Path) -> ServedModel:
    return read_model(unpack_once(sample_archive, tmp_path / "cache"))


def test_untuned_a_model_is_its_folder(model: ServedModel, tmp_path: Path) -> None:
    link_model(model, tmp_path / "0", None)
    assert (tmp_path / "0").resolve() == model.folder


def test_tuned_it_differs_by_its_token_budget_alone(model: ServedModel, tmp_path: Path) -> None:
    link = tmp_path / "0"
    link_model(model, link, Split(workers=2, threads=1, token_budget=1024))
    assert {path.name for path in link.iterdir()} == {path.name for path in model.folder.iterdir()}
    own = yaml.safe_load((model.folder / "model-config.yaml").read_text())
    assert yaml.safe_load((link / "model-config.yaml").read_text()) == {
        **own,
        "handler": {**own["handler"], "token_budget": 1024},
    }
    assert (link / "checkpoint").resolve() == model.folder / "checkpoint"
    verify_archive(model.folder)


def test_a_number_of_workers_is_what_torchserve_starts(model: ServedModel, tmp_path: Path) -> None:
    link_model(model, tmp_path / "0", None, workers=3)
    own = yaml.safe_load((model.folder / "model-config.yaml").read_text())
    linked = yaml.safe_load((tmp_path / "0" / "model-config.yaml").read_text())
    assert linked == {**own, "minWorkers": 3, "maxWorkers": 3}
