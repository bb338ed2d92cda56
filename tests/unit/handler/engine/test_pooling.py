"""handler.engine.pooling against sentence-transformers itself: its models, saved by it, encoded by it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoModel, AutoTokenizer

from berth.pack.load_checkpoint import load_checkpoint
from handler.config import Activation, HandlerConfig, Pooling, Task
from handler.engine.packing import bound_rows
from handler.engine.pooling import Pooler, load_module
from handler.errors import ConfigError
from tests.support.checkpoints.sentence_transformers import DenseLayer, make_sentence_checkpoint

TEXTS = ["hello world", "", "How deep is the harbour at low tide? Nine metres.", "a " * 600]
TOLERANCE = 1e-5  # float32, and sentence-transformers pads
CPU = torch.device("cpu")
EVERY_POOLING = ("weightedmean", "lasttoken", "mean_sqrt_len_tokens", "cls", "mean", "max")
ONE_LAYER = [DenseLayer(32)]
TWO_LAYERS = [DenseLayer(96, activation="GELU"), DenseLayer(16, bias=False, activation="Identity")]


def _vectors(folder: Path, texts: list[str]) -> Any:
    """What transformers' own model gives for each text alone, pooled by ours, all at once."""
    checkpoint = load_checkpoint(folder, None)
    config = HandlerConfig(
        task=Task.EMBEDDINGS,
        max_tokens=checkpoint.max_tokens,
        pooling=checkpoint.pooling,
        dense=checkpoint.dense,
        normalize=checkpoint.normalize,
    )
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    with torch.inference_mode():
        encoded = [tokenizer(text, truncation=True, max_length=512, return_tensors="pt") for text in texts]
        states = [model(**item).last_hidden_state[0] for item in encoded]
        pooler = Pooler(checkpoint.root, config, CPU)
        return pooler(torch.cat(states), bound_rows([len(state) for state in states], CPU))


def _encode(folder: Path, texts: list[str], **parameters: Any) -> Any:
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    return model.encode(texts, show_progress_bar=False, **parameters)


@pytest.mark.parametrize(
    ("architecture", "pooling", "dense", "normalize"),
    [
        ("bert", "mean", [], False),
        ("roberta", "cls", [], True),
        ("distilbert", "max", [], False),
        ("roberta", "mean", TWO_LAYERS, True),
        ("bert", "cls", TWO_LAYERS, False),
        ("roberta", "max", ONE_LAYER, True),
        ("roberta", "mean_sqrt_len_tokens", [], False),
        ("bert", "weightedmean", [], True),
        ("distilbert", "lasttoken", ONE_LAYER, False),
        ("xlm-roberta", ("max", "cls"), ["LayerNorm", "Dropout"], False),
        ("bert", EVERY_POOLING, ["LayerNorm", *TWO_LAYERS, "Dropout"], True),
    ],
)
def test_vectors_are_those_of_sentence_transformers(tmp_path, architecture, pooling, dense, normalize):
    folder = make_sentence_checkpoint(
        tmp_path / "model", architecture=architecture, pooling=pooling, dense=dense, normalize=normalize
    )
    ours, theirs = _vectors(folder, TEXTS), _encode(folder, TEXTS)
    assert ours.dtype is torch.float32
    assert np.std(theirs, axis=0).min() > 100 * TOLERANCE  # the texts differ, or nothing would be shown
    np.testing.assert_allclose(ours, theirs, atol=TOLERANCE * np.abs(theirs).max())


def test_prompts_stand_before_a_text(tmp_path):
    prompts = {"query": "query: ", "document": ""}
    folder = make_sentence_checkpoint(tmp_path / "model", prompts=prompts, default_prompt="query")
    found = load_checkpoint(folder, None).prompts
    for name in (None, "query", "document"):
        ours = _vectors(folder, [found[name or "query"] + text for text in TEXTS])
        np.testing.assert_allclose(ours, _encode(folder, TEXTS, prompt_name=name), atol=TOLERANCE)


def test_the_size_of_a_vector_is_known_before_there_is_one(tmp_path):
    folder = make_sentence_checkpoint(tmp_path / "model", pooling=("cls", "mean"), dense=["LayerNorm", *ONE_LAYER])
    sizes = {(): 128, ("2_LayerNorm",): 128, ("2_LayerNorm", "3_Dense"): 32}
    for dense, size in sizes.items():
        config = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=512, pooling=(Pooling.CLS, Pooling.MEAN), dense=dense)
        pooler = Pooler(folder, config, CPU)
        assert pooler.vector_size(64) == pooler(torch.randn(5, 64), bound_rows([2, 3], CPU)).shape[1] == size


def test_every_activation_is_a_class_of_torch() -> None:
    assert all(issubclass(getattr(torch.nn, name), torch.nn.Module) for name in Activation)


@pytest.mark.parametrize("activation", Activation)
def test_a_dense_module_is_that_of_sentence_transformers(tmp_path, activation):
    from sentence_transformers.sentence_transformer.modules import Dense  # noqa: PLC0415

    torch.manual_seed(5)
    theirs = Dense(8, 4, activation_function=getattr(torch.nn, activation)())
    theirs.save(str(tmp_path))
    states = torch.randn(16, 8)
    assert torch.equal(load_module(tmp_path)(states), theirs({"sentence_embedding": states})["sentence_embedding"])


@pytest.mark.parametrize("pooling", list(Pooling))
def test_half_precision_is_pooled_in_float32(pooling):
    config = HandlerConfig(task=Task.EMBEDDINGS, max_tokens=512, pooling=(pooling,))
    states, bounds = torch.randn(700, 8).bfloat16(), bound_rows([1, 500, 199], CPU)
    pooled = Pooler(Path(), config, CPU)(states, bounds)
    assert torch.equal(pooled, Pooler(Path(), config, CPU)(states.float(), bounds))


def _write_dense(folder: Path, *, width: int = 4, **settings: object) -> Path:
    config = {"in_features": 8, "out_features": 4, "bias": True, "activation_function": "torch.nn.Tanh"}
    (folder / "config.json").write_text(json.dumps(config | settings))
    save_file({"linear.weight": torch.ones(width, 8), "linear.bias": torch.ones(width)}, folder / "model.safetensors")
    return folder


def test_a_dense_module_in_half_precision_is_read(tmp_path):
    folder = _write_dense(tmp_path)
    weights = {"linear.weight": torch.ones(4, 8).half(), "linear.bias": torch.ones(4).half()}
    save_file(weights, folder / "model.safetensors")
    assert load_module(folder)(torch.zeros(1, 8)).dtype is torch.float32


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"activation_function": "os.system"}, "system"),
        ({"activation_function": None}, "NoneType"),
        ({"in_features": "8"}, "str"),
        ({"bias": False}, "bias"),
        ({"width": 5}, "size mismatch"),
    ],
)
def test_an_unreadable_dense_module_is_a_load_error(tmp_path, settings, named):
    with pytest.raises(ConfigError, match=f"module in .*{named}"):
        load_module(_write_dense(tmp_path, **settings))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_or_damaged_file_of_a_dense_module_is_a_load_error(tmp_path, name):
    file = _write_dense(tmp_path) / name
    file.write_bytes(b"{")
    with pytest.raises(ConfigError, match="cannot read the module in"):
        load_module(tmp_path)
    file.unlink()
    with pytest.raises(ConfigError, match=name):
        load_module(tmp_path)
