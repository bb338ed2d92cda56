"""check_sizes, by check_files: what config.json says beside the headers of real weights of each architecture."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from berth.errors import Refused
from berth.pack.check.families import SERVED
from berth.pack.check.files import check_files
from berth.pack.check.sizes import NAMES
from berth.pack.load_checkpoint import load_checkpoint
from handler.config import Task
from tests.support.checkpoints import ARCHITECTURES, TASKS_OF

Weights = dict[str, torch.Tensor]
Changed = Callable[..., Path]
WITH_LAYERS = [name for name in ARCHITECTURES if name != "albert"]  # whose layers share their weights


@pytest.fixture
def changed(checkpoint, tmp_path) -> Changed:
    """changed(architecture, weights, **settings): an encoder's copy, with other weights and settings."""

    def copied(architecture: str, change: Callable[[Weights], Weights] = dict, **settings: object) -> Path:
        folder = Path(shutil.copytree(checkpoint(architecture, Task.EMBEDDINGS), tmp_path / "model"))
        weights = {name: each.contiguous() for name, each in change(load_file(folder / "model.safetensors")).items()}
        save_file(weights, folder / "model.safetensors", {"format": "pt"})
        config = folder / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text("utf-8")) | settings), "utf-8")
        return folder

    return copied


def _refusal(folder: Path) -> str:
    with pytest.raises(Refused) as refused:
        check_files(load_checkpoint(folder, Task.EMBEDDINGS))
    assert str(folder) in str(refused.value)
    return str(refused.value)


def _layer_of(name: str, architecture: str) -> str | None:
    parts = name.split(".")
    inside = "layers" if architecture in ("modernbert", "nomic-bert") else "layer"
    return parts[parts.index(inside) + 1] if inside in parts else None


def test_every_type_that_is_served_has_its_names():
    assert set(NAMES) == SERVED


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_transformers_saved_goes_on(checkpoint, architecture):
    for task in TASKS_OF[architecture]:
        check_files(load_checkpoint(checkpoint(architecture, task), task))


@pytest.mark.parametrize("architecture", WITH_LAYERS)
def test_a_layer_that_is_missing(changed, architecture):
    folder = changed(
        architecture, lambda weights: {n: w for n, w in weights.items() if _layer_of(n, architecture) != "1"}
    )
    assert "layers, and the weights have no layer 1: download the checkpoint again" in _refusal(folder)


@pytest.mark.parametrize("architecture", WITH_LAYERS)
def test_layers_that_config_json_does_not_count(changed, architecture):
    folder = changed(architecture, **{NAMES[architecture.replace("nomic-bert", "nomic_bert")].layers: 2})
    said = _refusal(folder)
    assert "config.json says that there are 2 layers, and the weights have" in said
    assert "take the others out of the weights" in said


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_embeddings_of_another_shape(changed, architecture):
    def halve(weights: Weights) -> Weights:
        name = next(name for name in weights if name.endswith(("word_embeddings.weight", "tok_embeddings.weight")))
        return weights | {name: weights[name][:, ::2]}

    assert "and by config.json it would be [" in _refusal(changed(architecture, halve))


@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert", "albert", "electra"])
def test_fewer_positions_than_config_json_says(changed, architecture):
    def shorten(weights: Weights) -> Weights:
        name = next(name for name in weights if name.endswith("position_embeddings.weight"))
        return weights | {name: weights[name][:100]}

    said = _refusal(changed(architecture, shorten))
    assert "position_embeddings.weight is [100, " in said


@pytest.mark.parametrize("kind", [torch.int8, torch.uint8, torch.float8_e4m3fn])
def test_weights_of_a_type_that_is_quantised(changed, kind):
    name = "encoder.layer.0.output.dense.weight"
    said = _refusal(changed("bert", lambda weights: weights | {name: weights[name].to(kind)}))
    assert f"the type of {name} is " in said
    assert "the weights are quantised; pack the checkpoint that it was made from" in said


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_other_floats_go_on(changed, kind):
    folder = changed("bert", lambda weights: {name: each.to(kind) for name, each in weights.items()})
    check_files(load_checkpoint(folder, None))


@pytest.mark.parametrize(("name", "value"), [("hidden_size", "wide"), ("num_hidden_layers", 2.5), ("vocab_size", None)])
def test_a_size_that_is_none(changed, name, value):
    assert f"config.json: {name} is {value!r}, and must be a whole number" in _refusal(changed("bert", **{name: value}))
