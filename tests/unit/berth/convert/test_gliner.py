"""A GLiNER model's folder becomes its encoder's checkpoint; one that is not served is refused by a setting's name."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from berth.convert.convert import converted
from berth.errors import Refused
from berth.pack.check.foreign import refuse_foreign
from berth.pack.load_checkpoint import load_checkpoint, reason_of
from berth.pack.reference_answers import reference_answers
from berth.progress import Silence
from handler.config import Task
from handler.spans.settings import HEAD_FOLDER
from tests.support.checkpoints import make_checkpoint
from tests.support.checkpoints.gliner import ENCODER, converted_gliner, make_gliner

CONFIG = "gliner_config.json"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_gliner(tmp_path_factory.mktemp("published") / "model", "bert")


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    shutil.copytree(published, tmp_path / "model")
    return tmp_path / "model"


def change(folder: Path, **settings: Any) -> Path:
    config = json.loads((folder / CONFIG).read_text("utf-8")) | settings
    (folder / CONFIG).write_text(json.dumps(config), "utf-8")
    return folder


def convert(folder: Path) -> tuple[str, ...]:
    with converted(folder, Silence()) as ready:
        load_checkpoint(ready.folder, None)
        return ready.notes


def test_every_tensor_is_kept_in_the_encoders_file_or_behind_it(published: Path) -> None:
    weights = load_file(published / "model.safetensors")
    with converted_gliner(published) as (root, config):
        encoder, head = load_file(root / "model.safetensors"), load_file(root / HEAD_FOLDER / "model.safetensors")
        files = load_checkpoint(root, None).files
    together = {f"{ENCODER}{name}": tensor for name, tensor in encoder.items()} | head
    assert together.keys() == weights.keys()
    assert all(tensor.equal(weights[name]) for name, tensor in together.items())
    assert {"gliner/model.safetensors", "model.safetensors", "config.json", "tokenizer.json"} <= {*files}
    assert config.task is Task.ZERO_SHOT_TOKEN_CLASSIFICATION
    assert config.max_tokens == 512


def test_the_folder_itself_is_left_as_it_is(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert len(convert(folder)) == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_without_positions_words_alone_bound_what_is_read(tmp_path: Path) -> None:
    with converted_gliner(make_gliner(tmp_path / "model")) as (root, config):
        assert config.max_tokens == 4 * 384
        assert reason_of(root, config.task) == "by gliner_config.json"


def test_config_and_tokenizer_come_from_the_model_that_is_named(folder: Path, tmp_path: Path) -> None:
    """As until 2024: the folder has weights and settings alone, and the tokenizer lacks the model's own tokens."""
    make_checkpoint(tmp_path / "base", "bert", Task.EMBEDDINGS)
    tokenizer = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    rows = json.loads((folder / CONFIG).read_text("utf-8"))["encoder_config"]["vocab_size"]
    change(folder, model_name=str(tmp_path / "base"), encoder_config=None, class_token_index=-1, vocab_size=-1)
    for path in folder.glob("tokenizer*"):
        path.unlink()
    with converted(folder, Silence()) as ready:
        load_checkpoint(ready.folder, None)
        made = AutoTokenizer.from_pretrained(ready.folder)
        config = json.loads((ready.folder / "config.json").read_text("utf-8"))
    assert ready.notes[-1] == "the tokenizer got <<ENT>> and <<SEP>>, as gliner adds them"
    assert (config["model_type"], config["vocab_size"]) == ("bert", rows)
    expected = {each["content"]: each["id"] for each in tokenizer["added_tokens"]}
    assert made.convert_tokens_to_ids(["<<ENT>>", "<<SEP>>"]) == [expected["<<ENT>>"], expected["<<SEP>>"]]
    assert made.tokenize("a<<ENT>>b") == ["a", "<<ENT>>", "b"]


def test_a_model_that_is_named_and_not_to_be_had_is_named(folder: Path) -> None:
    change(folder, model_name="./nowhere", encoder_config=None)
    with pytest.raises(Refused, match=r"gliner_config.json, which names ./nowhere as the model that has them"):
        convert(folder)


def test_a_model_that_is_named_and_has_no_config_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    change(folder, model_name=str(tmp_path / "base"), encoder_config=None)
    with pytest.raises(Refused, match=r"base has no config\.json"):
        convert(folder)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"span_mode": "token_level"}, "span_mode is token_level, so it is a model that does not score spans"),
        ({"span_mode": "markerV2"}, "span_mode is markerV2"),
        ({"labels_encoder": "bge"}, "labels_encoder is bge, so it is a bi-encoder"),
        ({"labels_decoder": "gpt2"}, "labels_decoder is gpt2, so it is a model that writes"),
        ({"relations_layer": "x"}, "a model of relations"),
        ({"subtoken_pooling": "mean"}, "subtoken_pooling is mean"),
        ({"words_splitter_type": "spacy"}, "words_splitter_type is spacy"),
        ({"post_fusion_schema": "l2l"}, "post_fusion_schema is l2l"),
        ({"fuse_layers": True}, "fuse_layers is True"),
        ({"span_encoder_config": {"model_type": "rnn"}}, "there is a span_encoder_config"),
        ({"precomputed_prompts_mode": True}, "types that were read beforehand"),
        ({"model_type": "gliner_streaming_span"}, "a decoder that reads a text as it comes"),
        ({"encoder_config": {"model_type": "mt5"}}, "its encoder is mt5, an encoder with a decoder"),
        ({"encoder_config": {"model_type": "qwen3"}}, "its encoder is qwen3, a decoder"),
    ],
)
def test_another_kind_of_gliner_is_refused_before_anything_is_read(
    folder: Path, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(Refused) as refused:
        refuse_foreign(change(folder, **settings))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"max_width": 0}, "must be whole numbers from 1"),
        ({"max_len": "384"}, "must be whole numbers from 1"),
        ({"embed_ent_token": "yes"}, "true or false"),
        ({"class_token_index": 7}, "numbers <<ENT>> 30523, and class_token_index is 7"),
    ],
)
def test_settings_that_do_not_fit_are_refused(folder: Path, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused) as refused:
        convert(change(folder, **settings))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("taken", "put", "said"),
    [
        ("prompt_rep_layer.3.bias", "", "has no prompt_rep_layer.3.bias"),
        ("", "cross_fuser.weight", "has cross_fuser.weight, which berth has no place for"),
    ],
)
def test_weights_of_other_layers_are_refused(folder: Path, taken: str, put: str, said: str) -> None:
    weights = load_file(folder / "model.safetensors")
    if put:
        weights[put] = weights["prompt_rep_layer.3.bias"].clone()
    save_file({name: each for name, each in weights.items() if name != taken}, folder / "model.safetensors")
    with pytest.raises(Refused, match=said):
        convert(folder)


def test_it_answers_no_other_task(published: Path) -> None:
    with converted(published, Silence()) as ready, pytest.raises(Refused, match="leave --task out"):
        load_checkpoint(ready.folder, Task.EMBEDDINGS)


def test_known_answers_are_numbers_of_spans_and_labels(published: Path) -> None:
    with converted(published, Silence()) as ready:
        answers = reference_answers(load_checkpoint(ready.folder, None))
    lengths = [len(each) for each in answers.answers[:3] if isinstance(each, list)]
    assert lengths == [2, 0, 1]  # every 7th of 9, of none and of 3
    assert answers.parameters["candidate_labels"]


def test_positions_that_older_versions_saved_are_passed_over(tmp_path: Path) -> None:
    """transformers before 4.31 kept the numbers of the positions among the weights."""
    folder = make_gliner(tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    weights[f"{ENCODER}embeddings.position_ids"] = torch.arange(512).unsqueeze(0)
    save_file(weights, folder / "model.safetensors")
    with converted(folder, Silence()) as ready:
        assert reference_answers(load_checkpoint(ready.folder, None)).left_out == ()
