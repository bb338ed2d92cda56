"""A GLiClass model's folder becomes its encoder's checkpoint; one that is not served is refused by a setting's name."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from berth.convert.convert import converted
from berth.errors import Refused
from berth.pack.check.files import check_files
from berth.pack.check.foreign import refuse_foreign
from berth.pack.load_checkpoint import load_checkpoint, reason_of
from berth.pack.reference_answers import reference_answers
from berth.progress import Silence
from handler.candidates.settings import HEAD_FOLDER
from handler.config import Task
from handler.engine.model import Engine
from handler.known_answers import load_known_answers
from handler.pipeline import Pipeline
from handler.tasks import TASKS
from tests.support.checkpoints.gliclass import TOKENS, converted_gliclass, make_gliclass
from tests.support.references.gliclass_models import MODELS

CONFIG = "config.json"
PREFIX = "model.encoder_model."


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_gliclass(tmp_path_factory.mktemp("published") / "model", "bert")


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    shutil.copytree(published, tmp_path / "model")
    return tmp_path / "model"


def change(folder: Path, name: str = CONFIG, **settings: Any) -> Path:
    config = json.loads((folder / name).read_text("utf-8")) | settings
    (folder / name).write_text(json.dumps(config), "utf-8")
    return folder


def prepare(folder: Path) -> None:
    """As `berth pack` does, up to its questions to transformers."""
    refuse_foreign(folder)
    with converted(folder, Silence()) as ready:
        check_files(load_checkpoint(ready.folder, None))


def test_tokens_that_were_added_as_ordinary_ones_are_made_special(folder: Path) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    for each in tokenizer["added_tokens"]:
        if each["content"] in TOKENS:
            each |= {"normalized": True, "special": False}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), "utf-8")
    asked = "<<LABEL>><<label>> water<<SEP>>"
    assert Tokenizer.from_file(str(folder / "tokenizer.json")).encode(asked).tokens.count("<<label>>") == 2
    with converted(folder, Silence()) as ready:
        read = Tokenizer.from_file(str(ready.folder / "tokenizer.json")).encode(asked).tokens
    assert [read.count(token) for token in ("<<LABEL>>", "<<label>>", "<<SEP>>")] == [1, 0, 1]


def test_every_tensor_is_kept_in_the_encoders_file_or_behind_it(published: Path) -> None:
    weights = load_file(published / "model.safetensors")
    with converted_gliclass(published) as (root, config):
        encoder, head = load_file(root / "model.safetensors"), load_file(root / HEAD_FOLDER / "model.safetensors")
        files = load_checkpoint(root, None).files
        assert reason_of(root, config.task) == "by config.json's model_type"
    together = {f"{PREFIX}{name}": each for name, each in encoder.items()}
    together |= {f"model.{name}": each for name, each in head.items()}
    assert together.keys() == weights.keys()
    assert all(tensor.equal(weights[name]) for name, tensor in together.items())
    assert {"gliclass/model.safetensors", "gliclass_config.json", "config.json", "tokenizer.json"} <= {*files}
    assert config.task is Task.ZERO_SHOT_CLASSIFICATION
    assert json.loads((published / CONFIG).read_text("utf-8"))["model_type"] == "GLiClass"  # as it was


@pytest.mark.parametrize("name", MODELS)
def test_plain_torch_tokenises_labels_and_text_as_one_and_says_the_same(tmp_path: Path, name: str) -> None:
    """Known texts are long too: then the text alone is cut, before the labels as behind them."""
    with converted_gliclass(make_gliclass(tmp_path / "model", **MODELS[name])) as (root, config):
        path = tmp_path / "known_answers.json"
        path.write_bytes(reference_answers(load_checkpoint(root, None)).to_json())
        pipeline = Pipeline(root, config, torch.device("cpu"), Engine.PACKED)
        known = load_known_answers(path, TASKS[config.task])
        assert all(len(answer) == 3 for answer in known.answers)
        assert any(text.is_truncated for text in pipeline.read(known))
        assert pipeline.check(known) < 1e-5


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"architecture_type": "bi-encoder"}, "architecture_type is bi-encoder, so it is a model that does not read"),
        ({"architecture_type": "bi-encoder-fused"}, "architecture_type is bi-encoder-fused"),
        ({"architecture_type": "encoder-decoder"}, "architecture_type is encoder-decoder"),
        ({"architecture_type": "decoder-kv"}, "architecture_type is decoder-kv"),
        ({"scorer_type": "hopfield"}, "scorer_type is hopfield, so it is a model whose scorer berth does not have"),
        ({"scorer_type": "cross-attn"}, "scorer_type is cross-attn"),
        ({"pooling_strategy": "max"}, "pooling_strategy is max"),
        ({"class_token_pooling": "last"}, "class_token_pooling is last"),
        ({"use_lstm": True}, "use_lstm is True, so it is a model that reads the text once more"),
        ({"squeeze_layers": True}, "a model that reads all layers"),
        ({"encoder_layer_id": 2}, "encoder_layer_id is 2"),
        ({"use_segment_embeddings": True}, "marks what is label"),
        ({"use_calibrator": True}, "a calibrator behind its scores"),
        ({"encoder_config": {"model_type": "t5"}}, "its encoder is t5, an encoder with a decoder"),
        ({"encoder_config": {"model_type": "qwen3"}}, "its encoder is qwen3, a decoder"),
    ],
)
def test_another_kind_of_gliclass_is_refused_before_anything_is_read(
    folder: Path, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(Refused) as refused:
        refuse_foreign(change(folder, **settings))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("file", "settings", "said"),
    [
        (CONFIG, {"prompt_first": "yes"}, "prompt_first is 'yes', and must be true or false"),
        (CONFIG, {"projector_hidden_act": "loud"}, "projector_hidden_act is loud"),
        (CONFIG, {"class_token_index": 7}, "numbers <<LABEL>> 30522, and class_token_index is 7"),
        (CONFIG, {"text_token_index": 7}, "numbers <<SEP>> 30523, and text_token_index is 7"),
        (CONFIG, {"encoder_config": None}, "has no encoder_config"),
        ("tokenizer_config.json", {"truncation_side": "left"}, 'write "right"'),
    ],
)
def test_settings_that_do_not_fit_are_refused(folder: Path, file: str, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused) as refused:
        prepare(change(folder, file, **settings))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("taken", "put", "said"),
    [
        ("model.logit_scale", "", "has no model.logit_scale"),
        ("", "model.layer_wise_attention.W1.weight", "has model.layer_wise_attention.W1.weight, which berth has no"),
    ],
)
def test_weights_of_other_layers_are_refused(folder: Path, taken: str, put: str, said: str) -> None:
    weights = load_file(folder / "model.safetensors")
    if put:
        weights[put] = weights["model.logit_scale"].clone()
    save_file({name: each for name, each in weights.items() if name != taken}, folder / "model.safetensors")
    with pytest.raises(Refused, match=said):
        prepare(folder)


def test_it_answers_no_other_task(published: Path) -> None:
    with converted(published, Silence()) as ready, pytest.raises(Refused, match="leave --task out"):
        load_checkpoint(ready.folder, Task.EMBEDDINGS)
