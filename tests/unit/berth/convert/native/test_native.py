"""config.json with an auto_map, as it is published, becomes that of transformers' own class, or is refused."""

import json

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from berth.convert import native
from berth.convert.native import why_not_native
from berth.errors import Refused
from berth.progress import Silence
from handler.config import Task
from handler.tasks.embeddings import EmbeddingParameters
from tests.support.asking import ask, value_of
from tests.support.checkpoints import make_checkpoint
from tests.support.checkpoints.published import published
from tests.support.equality.cells import prove_pipeline

LAYOUTS = ("nomic_bert", "gte", "eurobert")


def _write(folder, config):
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return folder


def _converted(folder, layout, **changes):
    native.convert(_write(folder, published(layout, changes)), Silence())
    return json.loads((folder / "config.json").read_text("utf-8"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_applies_to_known_code_alone(tmp_path, layout):
    config = published(layout, {})
    assert native.applies(_write(tmp_path, config))
    del config["auto_map"]
    assert not native.applies(_write(tmp_path, config))


@pytest.mark.parametrize("name", ["modeling_bert.JinaBertModel", "model.NeoBERT", "modeling.Mine", "x"])
def test_it_does_not_apply_to_other_code(tmp_path, name):
    assert not native.applies(_write(tmp_path, {"model_type": "bert", "auto_map": {"AutoModel": name}}))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_class_is_transformers_own(tmp_path, layout):
    config = _converted(tmp_path, layout)
    assert "auto_map" not in config
    assert config["model_type"] == layout
    assert config["architectures"] == {"nomic_bert": ["NomicBertModel"], "gte": ["GteModel"]}.get(
        layout, ["EuroBertModel"]
    )


def test_the_users_own_file_is_not_written_into(tmp_path):
    (tmp_path / "copy").mkdir()
    theirs = _write(tmp_path, published("gte", {})) / "config.json"
    before = theirs.read_bytes()
    (tmp_path / "copy" / "config.json").hardlink_to(theirs)
    native.convert(tmp_path / "copy", Silence())
    assert theirs.read_bytes() == before


def test_nomic_has_gpt2s_names(tmp_path):
    config = _converted(tmp_path, "nomic_bert", n_positions=8192, max_trained_positions=2048, rotary_emb_base=7)
    assert (config["hidden_size"], config["num_hidden_layers"], config["num_attention_heads"]) == (64, 3, 4)
    assert (config["intermediate_size"], config["layer_norm_eps"], config["hidden_act"]) == (256, 1e-12, "silu")
    assert config["max_position_embeddings"] == 8192
    assert config["rope_parameters"] == {"rope_type": "default", "rope_theta": 7.0}


def test_nomic_may_have_transformers_names_beside_them(tmp_path):
    """nomic-embed-text-v1.5 as it is by now: both say 2048, and texts are read up to 8192 tokens."""
    said = {"max_position_embeddings": 2048, "max_trained_positions": 2048, "n_positions": 8192}
    assert _converted(tmp_path, "nomic_bert", **said)["max_position_embeddings"] == 8192
    config = published("nomic_bert", {"max_position_embeddings": 1024})
    del config["n_positions"]
    native.convert(_write(tmp_path, config), Silence())
    assert json.loads((tmp_path / "config.json").read_text("utf-8"))["max_position_embeddings"] == 1024


def test_nomic_reads_a_text_of_3000_tokens_whole(tmp_path):
    folder = make_checkpoint(tmp_path / "native", "nomic-bert", Task.EMBEDDINGS)
    text = "ship harbour tide " * 1000
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    with torch.inference_mode():
        expected = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(0)
    own = json.loads((folder / "config.json").read_text("utf-8"))
    sizes = {"vocab_size": own["vocab_size"], "n_inner": 128, "max_trained_positions": 2048, "n_positions": 8192}
    native.convert(_write(folder, published("nomic_bert", sizes)), Silence())
    tokenizer.model_max_length = 8192
    tokenizer.save_pretrained(folder)
    pipeline = prove_pipeline(folder, Task.EMBEDDINGS)
    (answer,) = pipeline.answer([ask(text, EmbeddingParameters())])
    np.testing.assert_allclose(value_of(answer), expected, rtol=0, atol=1e-5)


def test_nomic_with_scaled_positions_reads_no_further_than_it_was_trained(tmp_path):
    """Beyond, the published code's rotary positions depend on a text's neighbours."""
    said = {"max_position_embeddings": 8192, "n_positions": 8192, "rotary_scaling_factor": 2}
    assert _converted(tmp_path, "nomic_bert", **said)["max_position_embeddings"] == 512
    config = published("nomic_bert", said)
    del config["max_trained_positions"]
    native.convert(_write(tmp_path, config), Silence())
    assert json.loads((tmp_path / "config.json").read_text("utf-8"))["max_position_embeddings"] == 2048


def test_nomic_saved_by_transformers_keeps_its_settings(tmp_path):
    auto_map = {"AutoModel": "nomic-ai/nomic-bert-2048--modeling_hf_nomic_bert.NomicBertModel"}
    saved = {"model_type": "nomic_bert", "architectures": ["NomicBertModel"], "hidden_size": 64}
    native.convert(_write(tmp_path, saved | {"auto_map": auto_map}), Silence())
    assert json.loads((tmp_path / "config.json").read_text("utf-8")) == saved


def test_gte_may_have_transformers_names(tmp_path):
    """snowflake-arctic-embed-m-v2.0's config.json."""
    auto_map = {
        name: f"modeling_hf_alibaba_nlp_gte.Gte{name.removeprefix('Auto')}" for name in ("AutoConfig", "AutoModel")
    }
    arctic = {"auto_map": auto_map, "architectures": ["GteModel"], "model_type": "gte"}
    config = _converted(tmp_path, "gte", **arctic, rope_scaling=None, rope_theta=160000, unpad_inputs="true")
    assert (config["model_type"], config["architectures"]) == ("gte", ["GteModel"])
    assert config["rope_parameters"] == {"rope_type": "default", "rope_theta": 160000.0}
    assert "auto_map" not in config


def test_gte_saved_by_transformers_keeps_its_positions(tmp_path):
    rope = {"rope_type": "default", "rope_theta": 160000.0}
    config = published("gte", {"rope_parameters": rope})
    del config["rope_theta"], config["rope_scaling"]
    native.convert(_write(tmp_path, config), Silence())
    assert json.loads((tmp_path / "config.json").read_text("utf-8"))["rope_parameters"] == rope


def test_gte_without_scaling_has_its_own_base(tmp_path):
    config = _converted(tmp_path, "gte", rope_scaling=None, rope_theta=500000)
    assert config["rope_parameters"] == {"rope_type": "default", "rope_theta": 500000.0}


def test_eurobert_pools_for_its_classifier_as_published(tmp_path):
    assert _converted(tmp_path, "eurobert", clf_pooling="mean")["classifier_pooling"] == "mean"


@pytest.mark.parametrize(
    ("layout", "changes", "said"),
    [
        ("nomic_bert", {"activation_function": "geglu"}, "activation_function is 'geglu'"),
        ("nomic_bert", {"qkv_proj_bias": True}, "qkv_proj_bias is True"),
        ("nomic_bert", {"rotary_emb_fraction": 0.5}, "rotary_emb_fraction is 0.5"),
        ("nomic_bert", {"mlp_fc1_bias": None}, "mlp_fc1_bias is None"),
        ("nomic_bert", {"num_experts": 8}, "num_experts is 8"),
        ("nomic_bert", {"prenorm": True}, "prenorm is True"),
        ("nomic_bert", {"n_inner": None}, "n_inner is None, and must be a number"),
        ("gte", {"logn_attention_scale": True}, "logn_attention_scale is True"),
        ("gte", {"position_embedding_type": "absolute"}, "position_embedding_type is 'absolute'"),
        ("gte", {"rope_scaling": {"type": "ntk", "factor": 2, "mixed_b": 0.6}}, "without a mixed_b"),
        ("gte", {"rope_scaling": {"type": "yarn", "factor": 2}}, "rope_scaling is"),
        ("gte", {"architectures": ["NewForMultipleChoice"]}, "architectures has NewForMultipleChoice"),
    ],
)
def test_what_the_native_class_would_compute_otherwise_is_refused(tmp_path, layout, changes, said):
    with pytest.raises(Refused, match="would answer otherwise") as refused:
        _converted(tmp_path, layout, **changes)
    assert said in str(refused.value)
    assert str(tmp_path / "config.json") in str(refused.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "jinaai/jina-bert-implementation--modeling_bert.JinaBertModel",
            "ALiBi positions; a proof would need answers of the published code to known texts, and an attention",
        ),
        (
            "jinaai/xlm-roberta-flash-implementation--modeling_lora.XLMRobertaLoRA",
            "have one for each task: a proof would need the published answers of a task, and its adapter merged",
        ),
        (
            "modeling_xlm_roberta.XLMRobertaFlashConfig",
            "jina-colbert-v2 names XLM-RoBERTa's weights otherwise (Wqkv, mixer), and transformers' class would make",
        ),
        ("model.NeoBERT", "no class for NeoBERT, with a norm before each layer, SwiGLU and rotary positions; a proof"),
    ],
)
def test_known_models_without_a_class_say_why_and_what_a_proof_would_need(name, said):
    assert said in str(why_not_native({"auto_map": {"AutoModel": name}}))


def test_code_that_is_not_known_has_no_reason():
    assert why_not_native({"auto_map": {"AutoModel": "modeling.Mine"}}) is None


def test_the_published_ntk_scaling_is_transformers_linear_one(tmp_path):
    """The published frequencies (https://kexue.fm/archives/9706, 6): of the base times the factor, all divided."""
    config = AutoConfig.for_model(**_converted(tmp_path, "gte"))
    found, attention_factor = ROPE_INIT_FUNCTIONS["linear"](config, "cpu")
    theta, factor, head_size = 20000, 8, 16
    wanted = [(theta * factor) ** (-i / head_size) / factor ** (2 / head_size) for i in range(0, head_size, 2)]
    assert found.tolist() == pytest.approx(wanted, rel=1e-6)
    assert attention_factor == 1
