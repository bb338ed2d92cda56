"""Cross-encoders that sentence-transformers itself saved, and what older versions wrote."""

import json
import shutil
from pathlib import Path

import pytest

from berth.errors import Refused
from berth.pack.load_checkpoint import load_checkpoint
from handler.config import Task
from tests.support.checkpoints.sentence_transformers import make_cross_encoder

TRANSFORMER = "sentence_bert_config.json"
MODEL = "config_sentence_transformers.json"


@pytest.fixture(scope="module")
def saved_cross_encoder(tmp_path_factory) -> Path:
    return make_cross_encoder(tmp_path_factory.mktemp("saved") / "ranker", max_length=77)


@pytest.fixture
def ranker(saved_cross_encoder, tmp_path) -> Path:
    """A copy of a cross-encoder, to change."""
    return Path(shutil.copytree(saved_cross_encoder, tmp_path / "ranker"))


def _set(path: Path, **settings: object) -> None:
    """Change settings of a JSON file, which may not be there yet; None removes one."""
    values = (json.loads(path.read_text()) if path.exists() else {}) | settings
    path.write_text(json.dumps({name: value for name, value in values.items() if value is not None}))


def test_a_cross_encoder_ranks(ranker):
    checkpoint = load_checkpoint(ranker, None)
    assert (checkpoint.task, checkpoint.max_tokens, checkpoint.score_function) == (Task.TEXT_RANKING, 77, "sigmoid")


@pytest.mark.parametrize(
    "settings",
    [
        {"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity", "version": "4.1.0"}},
        {"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"},
    ],
)
def test_a_cross_encoder_of_older_versions_ranks(ranker, settings):
    for name in ("modules.json", MODEL, TRANSFORMER):
        (ranker / name).unlink()
    assert load_checkpoint(ranker, None).task is Task.TEXT_CLASSIFICATION
    assert load_checkpoint(ranker, Task.TEXT_RANKING).score_function == "sigmoid"
    _set(ranker / "config.json", **settings)
    checkpoint = load_checkpoint(ranker, None)
    assert (checkpoint.task, checkpoint.score_function) == (Task.TEXT_RANKING, "none")


def test_a_cross_encoders_own_activation_is_kept_or_refused(tmp_path):
    folder = make_cross_encoder(tmp_path / "identity", activation="Identity")
    assert load_checkpoint(folder, None).score_function == "none"
    folder = make_cross_encoder(tmp_path / "tanh", activation="Tanh")
    with pytest.raises(Refused, match=r"scores pairs by torch.*\.Tanh; berth supports Sigmoid, Identity"):
        load_checkpoint(folder, None)


def test_a_cross_encoder_with_several_labels_classifies(tmp_path):
    folder = make_cross_encoder(tmp_path / "nli", labels=("contradiction", "entailment", "neutral"))
    assert load_checkpoint(folder, None).task is Task.TEXT_CLASSIFICATION
    assert load_checkpoint(folder, Task.ZERO_SHOT_CLASSIFICATION).score_function is None
    with pytest.raises(Refused, match="contradiction, entailment, neutral; text-ranking needs exactly one"):
        load_checkpoint(folder, Task.TEXT_RANKING)


def test_a_cross_encoder_with_a_default_prompt_is_refused(ranker):
    _set(ranker / MODEL, prompts={"rank": "Is it true? "}, default_prompt_name="rank")
    with pytest.raises(Refused, match="sets default_prompt_name, and berth puts no prompt before"):
        load_checkpoint(ranker, None)


def test_settings_of_a_cross_encoders_transformer_are_checked(ranker):
    _set(ranker / TRANSFORMER, processing_kwargs={"text": {"truncation": "only_second"}})
    with pytest.raises(Refused, match="sets processing_kwargs to"):
        load_checkpoint(ranker, None)
