"""What an archive does not use is said, and refused where the answers would be made up, or be others."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from berth.errors import Refused
from berth.pack.contents import ReferenceAnswers
from berth.pack.load_checkpoint import load_checkpoint
from berth.pack.reference_answers import reference_answers
from handler.config import Task
from tests.support.checkpoints import ARCHITECTURES, TASKS_OF

Weights = dict[str, torch.Tensor]
Made = Callable[..., Path]
WITH_POOLER = ("bert", "roberta", "xlm-roberta", "camembert", "albert", "mpnet")


@pytest.fixture
def made(checkpoint, tmp_path) -> Made:
    """made(architecture, task, change, **settings): a copy with changed weights, and settings of config.json."""

    def copied(architecture: str, task: Task, change: Callable[[Weights], Weights] = dict, **settings: object) -> Path:
        folder = Path(shutil.copytree(checkpoint(architecture, task), tmp_path / "model"))
        weights = change(load_file(folder / "model.safetensors"))
        save_file(
            {name: tensor.contiguous() for name, tensor in weights.items()},
            folder / "model.safetensors",
            {"format": "pt"},
        )
        config = folder / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text("utf-8")) | settings), "utf-8")
        return folder

    return copied


def _answers(folder: Path, task: Task | None = None) -> ReferenceAnswers:
    return reference_answers(load_checkpoint(folder, task))


def _refusal(folder: Path, task: Task | None = None) -> str:
    with pytest.raises(Refused) as refused:
        _answers(folder, task)
    assert str(folder) in str(refused.value)
    return str(refused.value)


def _without(*parts: str) -> Callable[[Weights], Weights]:
    return lambda weights: {name: each for name, each in weights.items() if not {*parts} & {*name.split(".")}}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_checkpoint_of_its_own_task_leaves_nothing_out(checkpoint, architecture):
    for task in {Task.EMBEDDINGS, Task.TEXT_CLASSIFICATION} & {*TASKS_OF[architecture]}:
        assert _answers(checkpoint(architecture, task)).left_out == ()


@pytest.mark.parametrize("architecture", WITH_POOLER)
def test_no_vector_depends_on_a_pooler(made, checkpoint, architecture):
    whole = checkpoint(architecture, Task.EMBEDDINGS)
    assert any("pooler" in name for name in load_file(whole / "model.safetensors"))
    assert _answers(made(architecture, Task.EMBEDDINGS, _without("pooler"))) == _answers(whole)


@pytest.mark.parametrize(
    ("architecture", "name"),
    [("bert", "bert.pooler.dense"), ("albert", "albert.pooler"), ("deberta-v2", "pooler.dense")],
)
def test_a_pooler_that_a_classifier_reads_is_never_made_up(made, architecture, name):
    said = _refusal(made(architecture, Task.TEXT_CLASSIFICATION, _without("pooler")))
    assert f"has no weights for {name}.bias, which text-classification needs" in said


@pytest.mark.parametrize(
    ("architecture", "left"),
    [
        ("bert", "cls"),
        ("roberta", "lm_head"),
        ("distilbert", "vocab_layer_norm, vocab_projector, vocab_transform"),
        ("electra", "generator_lm_head, generator_predictions"),
        ("albert", "predictions"),
        ("deberta-v2", "cls"),
        ("modernbert", "decoder, head"),
    ],
)
def test_the_head_of_pretraining_is_said(checkpoint, architecture, left):
    said = _answers(checkpoint(architecture, Task.FILL_MASK), Task.EMBEDDINGS).left_out
    assert said == (f"embeddings does not use these weights, which are left out: {left}",)


@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert", "deberta-v2", "modernbert"])
def test_a_classifier_that_calls_itself_an_encoder_is_refused_unless_vectors_are_wanted(made, architecture):
    folder = made(architecture, Task.TEXT_CLASSIFICATION, architectures=["BertModel"])
    said = _refusal(folder)
    assert "its weights hold classifier" in said
    assert "name the class that it was trained as there, or choose --task embeddings" in said
    (sentence,) = _answers(folder, Task.EMBEDDINGS).left_out
    assert "classifier" in sentence


def test_a_projection_of_another_library_is_refused(made):
    folder = made("bert", Task.EMBEDDINGS, lambda weights: weights | {"linear.weight": torch.zeros(8, 64)})
    assert "its weights hold linear" in _refusal(folder)


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("bert.encoder.layer.0.attention.self.query.lora_A.default.weight", Task.TEXT_CLASSIFICATION),
        ("encoder.layer.3.output.dense.weight", Task.EMBEDDINGS),
    ],
)
def test_weights_inside_the_encoder_that_have_no_place_are_refused(made, name, task):
    folder = made("bert", task, lambda weights: weights | {name: torch.zeros(2, 64)})
    assert f"its weights hold {name}, which the model by config.json has no place for" in _refusal(folder, task)


@pytest.mark.parametrize("name", ["position_ids", "token_type_ids"])
def test_a_buffer_that_older_versions_saved_is_no_layer(made, name):
    buffer = {f"bert.embeddings.{name}": torch.zeros(1, 512, dtype=torch.long)}
    assert _answers(made("bert", Task.TEXT_CLASSIFICATION, lambda weights: weights | buffer)).left_out == ()


def test_layers_that_config_json_does_not_count_are_refused(made):
    folder = made("distilbert", Task.TEXT_CLASSIFICATION, n_layers=2)
    assert "its weights hold distilbert.transformer.layer.2." in _refusal(folder)


@pytest.mark.parametrize("prefix", ["module", "base_model.model"])
def test_the_names_of_a_wrapper_are_refused(made, prefix):
    folder = made("bert", Task.EMBEDDINGS, lambda weights: {f"{prefix}.{name}": each for name, each in weights.items()})
    said = _refusal(folder)
    assert f"called {prefix}.embeddings.LayerNorm.bias where transformers looks for embeddings.LayerNorm.bias" in said


def test_a_classifier_of_texts_is_none_of_tokens(checkpoint):
    texts, words = checkpoint("bert", Task.TEXT_CLASSIFICATION), checkpoint("bert", Task.TOKEN_CLASSIFICATION)
    for folder, task in ((texts, Task.TOKEN_CLASSIFICATION), (words, Task.TEXT_CLASSIFICATION)):
        with pytest.raises(Refused, match=f"--task {task} would make answers of a head that was trained for something"):
            load_checkpoint(folder, task)


def test_an_adapter_that_nobody_merged_is_refused(made):
    folder = made("bert", Task.TEXT_CLASSIFICATION)
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    with pytest.raises(Refused, match=r"adapter_config\.json is of an adapter .* merge it"):
        load_checkpoint(folder, None)


def test_what_transformers_prints_stays_inside(checkpoint, capfd):
    _answers(checkpoint("bert", Task.FILL_MASK), Task.EMBEDDINGS)
    assert capfd.readouterr() == ("", "")
