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


def _set(path: Path, **settings: object) -> None:
    """Change settings of a JSON file, which may not be there yet; None removes one."""
    values = (json.loads(path.read_text()) if path.exists() else {}) | settings
    path.write_text(json.dumps({name: value for name, value in values.items() if value is not None}))


def _write(path: Path, values: object) -> None:
    path.write_text(json.dumps(values))


def _set_kinds(folder: Path, *kinds: str) -> None:
    """modules.json of the folder's own modules, in this order; one that it lacks gets a folder that is not there."""
    saved = json.loads((folder / "modules.json").read_text())
    known = {step["type"].rpartition(".")[2]: step for step in saved}
    steps = [known.get(kind, {"path": f"9_{kind}", "type": f"sentence_transformers.models.{kind}"}) for kind in kinds]
    (folder / "modules.json").write_text(json.dumps(steps))


def test_what_sentence_transformers_saves_becomes_settings(model):
    checkpoint = load_checkpoint(model, None)
    assert (checkpoint.task, checkpoint.max_tokens) == (Task.EMBEDDINGS, 512)
    assert (checkpoint.pooling, checkpoint.normalize) == ((Pooling.MAX,), True)
    assert checkpoint.dense == ("2_Dense", "3_Dense")
    assert {f"{name}/{file}" for name in checkpoint.dense for file in ("config.json", "model.safetensors")} < set(
        checkpoint.files
    )
    assert (checkpoint.prompts, checkpoint.default_prompt) == ({"query": "query: ", "document": ""}, None)


def test_the_least_that_it_saves(tmp_path):
    checkpoint = load_checkpoint(make_sentence_checkpoint(tmp_path / "model"), None)
    assert (checkpoint.pooling, checkpoint.dense, checkpoint.normalize) == ((Pooling.MEAN,), (), False)
    assert (checkpoint.prompts, checkpoint.default_prompt) == ({"query": "", "document": ""}, None)


def test_other_tasks_do_without_these_files(model):
    checkpoint = load_checkpoint(model, Task.FILL_MASK)
    assert (checkpoint.dense, checkpoint.prompts, checkpoint.normalize) == ((), {}, False)
    assert "2_Dense/model.safetensors" not in checkpoint.files


@pytest.mark.parametrize(
    "config",
    [
        {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False},
        {"pooling_mode_max_tokens": True},
        {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True},
        {"pooling_mode_lasttoken": True, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True},
        {"pooling_mode_weightedmean_tokens": True, "pooling_mode_mean_sqrt_len_tokens": True},
        {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": False},
        {"pooling_mode": "cls", "pooling_mode_mean_tokens": True},
        {"pooling_mode": ["mean"]},
        {"pooling_mode": ["max", "lasttoken", "mean"]},
        {},
    ],
)
def test_pooling_in_all_spellings_is_as_sentence_transformers_reads_it(model, config):
    from sentence_transformers.sentence_transformer.modules import Pooling as Theirs  # noqa: PLC0415

    _write(model / "1_Pooling" / "config.json", config | {"word_embedding_dimension": 64})
    theirs = Theirs.load(str(model), subfolder="1_Pooling", local_files_only=True).pooling_mode
    assert load_checkpoint(model, None).pooling == ((theirs,) if isinstance(theirs, str) else tuple(theirs))


@pytest.mark.parametrize("modes", ["median", [], ["mean", "median"], 5])
def test_an_unknown_pooling_is_refused_by_name(model, modes):
    _write(model / "1_Pooling" / "config.json", {"pooling_mode": modes})
    with pytest.raises(Refused, match=r"pools by .*; berth knows mean, cls, max"):
        load_checkpoint(model, None)


@pytest.mark.parametrize(
    ("kinds", "named"),
    [
        (["Transformer"], "is Transformer; berth serves Transformer, Pooling, any number of Dense and LayerNorm and"),
        (["Transformer", "Dense", "Pooling"], "is Transformer, Dense, Pooling; berth serves"),
        (["Transformer", "Dropout", "Pooling"], "is Transformer, Dropout, Pooling; berth serves"),
        (["Transformer", "Pooling", "Normalize", "Dense"], "is Transformer, Pooling, Normalize, Dense; berth serves"),
    ],
)
def test_another_order_is_refused(model, kinds, named):
    _set_kinds(model, *kinds)
    with pytest.raises(Refused, match=named):
        load_checkpoint(model, None)


def test_dropout_and_a_second_normalize_change_nothing(model):
    before = load_checkpoint(model, None)
    _set_kinds(model, "Transformer", "Pooling", "Dropout", "Dense", "Normalize", "Dropout", "Normalize")
    after = load_checkpoint(model, None)
    assert (after.normalize, after.dense) == (before.normalize, before.dense[-1:])


def test_a_module_of_foreign_code_is_refused_by_name(model):
    (model / "modules.json").write_text(json.dumps([{"path": "", "type": "custom_st.Transformer"}]))
    with pytest.raises(Refused, match=r"the module custom_st\.Transformer"):
        load_checkpoint(model, Task.EMBEDDINGS)


@pytest.mark.parametrize(
    ("file", "settings", "named"),
    [
        (TRANSFORMER, {"processing_kwargs": {"text": {"padding": "max_length"}}}, "processing_kwargs"),
        (TRANSFORMER, {"module_output_name": "sentence_embedding"}, "berth serves 'token_embeddings' only"),
        (TRANSFORMER, {"query_length": 32}, "query_length to 32, which berth does not know"),
        (TRANSFORMER, {"model_args": {"rotary_scaling_factor": 2}}, "rotary_scaling_factor in model_args"),
        (TRANSFORMER, {"config_kwargs": {"num_hidden_layers": 2}}, "num_hidden_layers in config_kwargs"),
        (TRANSFORMER, {"tokenizer_args": {"padding_side": "left"}}, "padding_side in tokenizer_args"),
        (MODEL, {"truncate_dim": -1}, "truncate_dim is -1; it is a whole number of 1 or more"),
        (MODEL, {"model_type": "SparseEncoder"}, "says SparseEncoder, which makes sparse vectors"),
        (MODEL, {"model_type": "MultiVectorEncoder"}, "says MultiVectorEncoder, which makes a vector of every token"),
        (MODEL, {"model_type": "CrossEncoder"}, "says CrossEncoder, which scores pairs by modules"),
        (MODEL, {"requirements": {"transformers": "<5"}}, "requires transformers <5, and 5"),
        (MODEL, {"requirements": {"pytorch": {"specifier": ">=99", "reason": "x"}}}, "requires pytorch >=99"),
        ("4_Normalize/config.json", {"module_input_name": "token_embeddings"}, "serves 'sentence_embedding' only"),
        ("1_Pooling/config.json", {"attention": "learned"}, "attention to 'learned', which berth does not know"),
        ("2_Dense/config.json", {"use_residual": True}, "use_residual"),
        ("2_Dense/config.json", {"module_output_name": "scores"}, "berth serves 'sentence_embedding' only"),
        (
            "3_Dense/config.json",
            {"activation_function": "torch.nn.modules.activation.Hardtanh"},
            "berth serves ELU, GELU",
        ),
        (
            "3_Dense/config.json",
            {"activation_function": "my_code.Tanh"},
            r"my_code\.Tanh; berth serves .* of torch\.nn",
        ),
        ("1_Pooling/config.json", {"include_prompt": False}, "include_prompt to false, and the model has prompts"),
    ],
)
def test_settings_that_would_change_vectors_are_refused_by_name(model, file, settings, named):
    _set(model / file, **settings)
    with pytest.raises(Refused, match=named):
        load_checkpoint(model, None)


def test_a_dense_module_that_names_no_activation_has_the_default(model):
    path = model / "2_Dense" / "config.json"
    _set(path, activation_function=None)
    assert load_checkpoint(model, None).dense == ("2_Dense", "3_Dense")
    _write(path, json.loads(path.read_text()) | {"activation_function": None})
    with pytest.raises(Refused, match="activation_function is None; berth serves ELU"):
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


@pytest.mark.parametrize(
    "settings",
    [
        {"model_args": {"torch_dtype": "float32", "add_pooling_layer": False}, "config_args": {"use_cache": False}},
        {"model_kwargs": {"attn_implementation": "eager"}, "processor_kwargs": {"use_fast": True}},
        {"processing_kwargs": {}, "unpad_inputs": False, "query_length": None, "tokenizer_args": None},
    ],
)
def test_settings_that_change_no_vectors_are_accepted(model, settings):
    before = load_checkpoint(model, None)
    _set(model / TRANSFORMER, **settings)
    _set(model / MODEL, similarity_fn_name="dot", requirements={"transformers": ">=5", "peft": ">=99", "torch": "?"})
    assert load_checkpoint(model, None) == before


def test_truncate_dim_is_kept(model):
    _set(model / MODEL, truncate_dim=8)
    assert load_checkpoint(model, None).truncate_dim == 8


@pytest.mark.parametrize("name", ["sentence_bert_config.json", "sentence_xlm-roberta_config.json"])
@pytest.mark.parametrize(
    "settings",
    [
        {"max_seq_length": 99},
        {"max_seq_length": 300},  # more than the tokenizer's own
        {"max_seq_length": 300, "tokenizer_args": {"model_max_length": 77}},
        {"max_seq_length": None, "do_lower_case": False},
    ],
)
def test_the_longest_text_is_that_of_sentence_transformers(model, name, settings):
    from sentence_transformers.sentence_transformer.modules import Transformer  # noqa: PLC0415

    (model / TRANSFORMER).unlink()
    _write(model / name, settings)
    _set(model / "tokenizer_config.json", model_max_length=128)
    theirs = Transformer.load(str(model), local_files_only=True)
    assert load_checkpoint(model, None).max_tokens == theirs.max_seq_length


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
    (folder / "1_Pooling").mkdir()
    _write(folder / "1_Pooling" / "config.json", {"pooling_mode_mean_tokens": True})
    return folder


def _set_old_kinds(folder: Path, *kinds: str) -> None:
    types = [f"sentence_transformers.models.{kind}" for kind in kinds]
    steps = [{"path": f"{number}_{kinds[number]}", "type": type_} for number, type_ in enumerate(types)]
    (folder / "modules.json").write_text(json.dumps(steps))


def test_settings_of_the_old_layout_lie_beside_its_weights(old_model):
    _set(old_model / TRANSFORMER, query_length=5)  # where sentence-transformers does not look
    assert load_checkpoint(old_model, None).task is Task.EMBEDDINGS
    _set(old_model / "0_Transformer" / TRANSFORMER, query_length=5)
    with pytest.raises(Refused, match=r"0_Transformer/sentence_bert_config\.json sets query_length"):
        load_checkpoint(old_model, None)


def test_lowering_needs_a_tokenizer_json_to_put_it_into(model):
    _set(model / TRANSFORMER, do_lower_case=True)
    assert load_checkpoint(model, None).task is Task.EMBEDDINGS
    (model / "tokenizer.json").unlink()
    with pytest.raises(Refused, match=r"sets do_lower_case, and there is no tokenizer\.json to put it into"):
        load_checkpoint(model, None)


def test_dense_modules_of_the_old_layout_are_refused(old_model):
    assert load_checkpoint(old_model, None).normalize is True
    _set_old_kinds(old_model, "Transformer", "Pooling", "Dense")
    with pytest.raises(Refused, match="keeps its Dense modules beside 0_Transformer: save it in today's layout"):
        load_checkpoint(old_model, None)


@pytest.mark.parametrize("content", [None, "{}"])
def test_a_pooling_that_says_nothing_is_refused(model, content):
    (model / "1_Pooling" / "config.json").unlink()
    if content is not None:
        (model / "1_Pooling" / "config.json").write_text(content)
    with pytest.raises(
        Refused, match=r"1_Pooling/config\.json is missing or says nothing, and without it nobody knows"
    ):
        load_checkpoint(model, None)
