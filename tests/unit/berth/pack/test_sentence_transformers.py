"""What sentence-transformers itself saved becomes settings, and what we lack is refused by name."""

import json
import shutil
from pathlib import Path

import pytest

from berth.errors import Refused
from berth.pack.load_checkpoint import load_checkpoint
from handler.config import Pooling, Task
from tests.support.checkpoints import make_checkpoint
from tests.support.checkpoints.sentence_transformers import (
    DenseLayer,
    make_cross_encoder,
    make_sentence_checkpoint,
)

TRANSFORMER = "sentence_bert_config.json"
MODEL = "config_sentence_transformers.json"


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    """A model with every module, saved once."""
    folder = tmp_path_factory.mktemp("saved") / "model"
    dense = [DenseLayer(32), DenseLayer(16, bias=False, activation="Identity")]
    return make_sentence_checkpoint(folder, pooling="max", dense=dense, normalize=True, prompts={"query": "query: "})


@pytest.fixture
def model(saved, tmp_path) -> Path:
    """A copy of it, to change."""
    return Path(shutil.copytree(saved, tmp_path / "model"))


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


def _set_kinds(folder: Path, *kinds: str) -> None:
    """modules.json of the folder's own modules, in this order; one that it lacks gets a folder that is not there."""
    saved = json.loads((folder / "modules.json").read_text())
    known = {step["type"].rpartition(".")[2]: step for step in saved}
    steps = [known.get(kind, {"path": f"9_{kind}", "type": f"sentence_transformers.models.{kind}"}) for kind in kinds]
    (folder / "modules.json").write_text(json.dumps(steps))


def test_what_sentence_transformers_saves_becomes_settings(model):
    checkpoint = load_checkpoint(model, None)
    assert (checkpoint.task, checkpoint.max_tokens) == (Task.EMBEDDINGS, 512)
    assert (checkpoint.pooling, checkpoint.normalize) == (Pooling.MAX, True)
    assert checkpoint.dense == ("2_Dense", "3_Dense")
    assert {f"{name}/{file}" for name in checkpoint.dense for file in ("config.json", "model.safetensors")} < set(
        checkpoint.files
    )
    assert (checkpoint.prompts, checkpoint.default_prompt) == ({"query": "query: ", "document": ""}, None)


def test_the_least_that_it_saves(tmp_path):
    checkpoint = load_checkpoint(make_sentence_checkpoint(tmp_path / "model"), None)
    assert (checkpoint.pooling, checkpoint.dense, checkpoint.normalize) == (Pooling.MEAN, (), False)
    assert (checkpoint.prompts, checkpoint.default_prompt) == ({"query": "", "document": ""}, None)


def test_other_tasks_do_without_these_files(model):
    checkpoint = load_checkpoint(model, Task.FILL_MASK)
    assert (checkpoint.dense, checkpoint.prompts, checkpoint.normalize) == ((), {}, False)
    assert "2_Dense/model.safetensors" not in checkpoint.files


@pytest.mark.parametrize(
    ("config", "pooling"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, Pooling.CLS),
        ({"pooling_mode_max_tokens": True, "pooling_mode_mean_tokens": False}, Pooling.MAX),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, Pooling.MEAN),
        ({"pooling_mode": "cls"}, Pooling.CLS),
        ({"pooling_mode": ["mean"]}, Pooling.MEAN),
        ({}, Pooling.MEAN),
    ],
)
def test_pooling_in_both_spellings(model, config, pooling):
    (model / "1_Pooling" / "config.json").write_text(json.dumps(config))
    assert load_checkpoint(model, None).pooling is pooling


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"pooling_mode_lasttoken": True, "pooling_mode_mean_tokens": False}, "lasttoken"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, "'cls', 'mean'"),
        ({"pooling_mode": ["mean", "max"]}, "'mean', 'max'"),
        ({"pooling_mode": "weightedmean"}, "weightedmean"),
    ],
)
def test_another_pooling_is_refused_by_name(model, config, named):
    (model / "1_Pooling" / "config.json").write_text(json.dumps(config))
    with pytest.raises(Refused, match=f"pools by .*{named}.*berth supports mean, cls, max, one at a time"):
        load_checkpoint(model, None)


@pytest.mark.parametrize(
    ("kinds", "named"),
    [
        (
            ["Transformer", "SpladePooling"],
            "the module SpladePooling; berth supports Transformer, Pooling, Dense, Normal",
        ),
        (
            ["Transformer"],
            "is Transformer; berth supports Transformer, Pooling, any number of Dense and perhaps Normalize",
        ),
        (["Transformer", "Dense", "Pooling"], "is Transformer, Dense, Pooling; berth supports"),
        (["Transformer", "Pooling", "Normalize", "Dense"], "is Transformer, Pooling, Normalize, Dense; berth supports"),
    ],
)
def test_modules_that_we_lack_are_refused_by_name(model, kinds, named):
    _set_kinds(model, *kinds)
    with pytest.raises(Refused, match=named):
        load_checkpoint(model, None)


def test_a_module_of_foreign_code_is_refused_by_name(model):
    (model / "modules.json").write_text(json.dumps([{"path": "", "type": "custom_st.Transformer"}]))
    with pytest.raises(Refused, match=r"the module custom_st\.Transformer"):
        load_checkpoint(model, Task.EMBEDDINGS)


@pytest.mark.parametrize(
    ("file", "settings", "named"),
    [
        (TRANSFORMER, {"processing_kwargs": {"text": {"padding": "max_length"}}}, "processing_kwargs"),
        (TRANSFORMER, {"module_output_name": "sentence_embedding"}, "berth serves 'token_embeddings' only"),
        (MODEL, {"truncate_dim": 16}, "truncate_dim: take it out, and let requests set `dimensions`"),
        ("2_Dense/config.json", {"use_residual": True}, "use_residual"),
        ("2_Dense/config.json", {"module_output_name": "scores"}, "berth serves 'sentence_embedding' only"),
        (
            "3_Dense/config.json",
            {"activation_function": "torch.nn.modules.activation.Hardtanh"},
            "berth supports ELU, GELU",
        ),
        (
            "3_Dense/config.json",
            {"activation_function": "my_code.Tanh"},
            r"my_code\.Tanh; berth supports .* of torch\.nn",
        ),
        ("3_Dense/config.json", {"activation_function": None}, "activation_function is None; berth supports"),
        ("1_Pooling/config.json", {"include_prompt": False}, "include_prompt to false, and the model has prompts"),
    ],
)
def test_settings_that_would_change_vectors_are_refused_by_name(model, file, settings, named):
    _set(model / file, **settings)
    with pytest.raises(Refused, match=named):
        load_checkpoint(model, None)


def test_prompts_that_are_all_empty_need_no_pooling_without_them(model):
    _set(model / MODEL, prompts={"query": "", "document": None})
    _set(model / "1_Pooling" / "config.json", include_prompt=False)
    assert load_checkpoint(model, None).prompts == {"query": "", "document": ""}


def test_the_default_prompt_is_one_of_the_prompts(model):
    _set(model / MODEL, default_prompt_name="query")
    assert load_checkpoint(model, None).default_prompt == "query"
    _set(model / MODEL, default_prompt_name="other")
    with pytest.raises(Refused, match="default_prompt_name is 'other'; the prompts are document, query"):
        load_checkpoint(model, None)
    _set(model / MODEL, prompts=["query: "])
    with pytest.raises(Refused, match=r"prompts is .*; it maps names to texts"):
        load_checkpoint(model, None)


@pytest.mark.parametrize("name", ["sentence_bert_config.json", "sentence_xlm-roberta_config.json"])
def test_the_transformers_own_settings_in_both_spellings(model, name):
    (model / TRANSFORMER).unlink()
    _set(model / name, max_seq_length=99, do_lower_case=False)
    assert load_checkpoint(model, None).max_tokens == 99


def test_a_dense_module_without_weights_is_refused(model):
    (model / "2_Dense" / "model.safetensors").unlink()
    with pytest.raises(Refused, match=r"2_Dense has no model\.safetensors"):
        load_checkpoint(model, None)


@pytest.fixture
def old_model(tmp_path) -> Path:
    """The layout where the transformer lies in a folder of its own."""
    folder = Path(tmp_path / "old")
    make_checkpoint(folder / "0_Transformer", "bert", Task.EMBEDDINGS)
    _set_old_kinds(folder, "Transformer", "Pooling", "Normalize")
    return folder


def _set_old_kinds(folder: Path, *kinds: str) -> None:
    types = [f"sentence_transformers.models.{kind}" for kind in kinds]
    steps = [{"path": f"{number}_{kinds[number]}", "type": type_} for number, type_ in enumerate(types)]
    (folder / "modules.json").write_text(json.dumps(steps))


def _make_cased(transformer: Path) -> None:
    tokenizer = json.loads((transformer / "tokenizer.json").read_text("utf-8"))
    tokenizer["normalizer"]["lowercase"] = False
    (transformer / "tokenizer.json").write_text(json.dumps(tokenizer))


@pytest.mark.parametrize("part", ["", "0_Transformer"])
def test_settings_of_the_old_layout_are_refused_too(old_model, part):
    _set(old_model / part / TRANSFORMER, do_lower_case=True)
    assert load_checkpoint(old_model, None).task is Task.EMBEDDINGS
    _make_cased(old_model / "0_Transformer")
    with pytest.raises(Refused, match=r"sentence_bert_config\.json sets do_lower_case"):
        load_checkpoint(old_model, None)


def test_dense_modules_of_the_old_layout_are_refused(old_model):
    assert load_checkpoint(old_model, None).normalize is True
    _set_old_kinds(old_model, "Transformer", "Pooling", "Dense")
    with pytest.raises(Refused, match="keeps its Dense modules beside 0_Transformer: save it in today's layout"):
        load_checkpoint(old_model, None)


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
