"""refuse_foreign: what is no text encoder is named from names of files and JSON alone; encoders go on."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import transformers
from transformers import AutoConfig
from transformers.models.auto import modeling_auto

from berth.errors import Refused
from berth.pack.check.families import FAMILIES, SERVED, family_of
from berth.pack.check.foreign import refuse_foreign
from tests.support.checkpoints import ARCHITECTURES

MAPPING = modeling_auto.MODEL_MAPPING_NAMES
READS_TEXT = {"text"}


def _names(folder: Path, model_type: str, /, **settings: object) -> Path:
    """A folder with the config.json that transformers writes for a model of this type."""
    config = AutoConfig.for_model(model_type)
    config.save_pretrained(folder)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | settings), "utf-8")
    return folder


def _refusal(folder: Path) -> str:
    with pytest.raises(Refused) as refused:
        refuse_foreign(folder)
    assert refused.value.exit_code == 4
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("model_type", "what"),
    [
        ("gpt2", "a decoder, which writes text"),
        ("llama", "a decoder"),
        ("qwen3", "a decoder"),
        ("gemma3_text", "a decoder"),
        ("xlnet", "a decoder"),
        ("t5", "an encoder with a decoder, which turns one text into another"),
        ("bart", "an encoder with a decoder"),
        ("marian", "an encoder with a decoder"),
        ("vit", "a model of images or video"),
        ("timm_wrapper", "a model of images or video"),
        ("whisper", "a model of sound"),
        ("wav2vec2", "a model of sound"),
        ("clip", "a model of images or sound beside text"),
        ("layoutlmv3", "a model of pages or tables"),
        ("patchtst", "a model of series of numbers"),
    ],
)
def test_a_type_that_is_no_encoder_is_named(tmp_path, model_type, what):
    said = _refusal(_names(tmp_path, model_type))
    assert f"{tmp_path / 'config.json'} says that this is {model_type}, {what}" in said
    assert "berth serves encoders of text (albert, bert, " in said


@pytest.mark.parametrize("model_type", [*sorted(SERVED), "big_bird", "convbert", "esm", "longformer", "gte", "luke"])
def test_encoders_go_on(tmp_path, model_type):
    refuse_foreign(_names(tmp_path, model_type))


def _embeds(folder: Path) -> None:
    """What sentence-transformers writes beside a model."""
    kinds = ("Transformer", "Pooling", "Normalize")
    steps = [{"path": str(number), "type": f"sentence_transformers.models.{kind}"} for number, kind in enumerate(kinds)]
    (folder / "modules.json").write_text(json.dumps([steps[0] | {"path": ""}, *steps[1:]]), "utf-8")


def test_a_decoder_that_embeds_goes_on(tmp_path):
    """Qwen3-Embedding's config.json is that of the decoder; modules.json says that it embeds."""
    _names(tmp_path, "qwen3", architectures=["Qwen3ForCausalLM"])
    assert re.search("qwen3, a decoder.*, or one that embeds, with the modules.json", _refusal(tmp_path))
    _embeds(tmp_path)
    refuse_foreign(tmp_path)


@pytest.mark.parametrize(
    ("model_type", "why"),
    [
        ("gemma3_text", "EmbeddingGemma's layers look both ways"),
        ("mistral", "e5-mistral's layers look back through a window"),
        ("qwen2", "gte-Qwen2's own code looks both ways, and transformers' class only back"),
    ],
)
def test_other_decoders_that_embed_say_why_not_and_what_a_proof_would_need(tmp_path, model_type, why):
    _embeds(_names(tmp_path, model_type))
    said = _refusal(tmp_path)
    assert f"says that this is {model_type}, a decoder" in said
    assert f"; {why}" in said
    assert "a proof would need" in said


def test_what_is_served_is_what_the_tests_pack():
    assert {name.replace("nomic-bert", "nomic_bert") for name in ARCHITECTURES} == SERVED
    assert set(MAPPING) >= SERVED
    assert [name for name in SERVED if family_of(name)] == []


def _modalities(model_type: str) -> set[str]:
    names = MAPPING[model_type]
    found = getattr(transformers, names if isinstance(names, str) else names[0]).input_modalities
    return {found} if isinstance(found, str) else set(found)


def test_all_types_of_transformers_that_are_not_named_read_text_and_do_not_write_it():
    """A new transformers brings new types: say in families.py what they are."""
    tried = [model_type for model_type in MAPPING if not family_of(model_type)]
    writes = {
        *modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        *modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
    }
    fills_masks = set(modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES)
    assert [name for name in tried if _modalities(name) != READS_TEXT] == []
    assert [name for name in tried if name in writes - fills_masks] == []
    assert len(tried) < 60  # 46 with transformers 5.23


def test_no_type_is_of_two_families_and_all_are_known_to_transformers():
    named = [name for types in FAMILIES for name in types]
    assert len(named) == len(set(named))
    assert set(named) <= {*transformers.CONFIG_MAPPING, *MAPPING, *modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES}


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"architectures": ["BertLMHeadModel"]}, "BertLMHeadModel, a decoder"),
        ({"architectures": ["BertForCausalLM"]}, "BertForCausalLM, a decoder"),
        ({"is_decoder": True}, "a model with is_decoder set, a decoder"),
        ({"is_decoder": 1}, "a model with is_decoder set"),
        ({"is_decoder": "true"}, "a model with is_decoder set"),
        ({"is_encoder_decoder": True}, "a model with is_encoder_decoder set, which turns one text"),
        ({"model_type": "new-thing", "architectures": ["NewForConditionalGeneration"]}, "a model that writes text"),
        ({"model_type": "new-thing", "architectures": ["NewForImageClassification"]}, "a model of images"),
        ({"model_type": "new-thing", "architectures": ["NewForCTC"]}, "a model of sound"),
        ({"model_type": "new-thing", "vision_config": {}}, "a model with a vision_config, for images beside text"),
        ({"model_type": "gliner"}, "gliner, a GLiNER model"),
        ({"model_type": "extractor", "architectures": ["Extractor"]}, "extractor, a GLiNER2 model"),
        ({"model_type": "t5", "architectures": ["T5EncoderModel"]}, "T5EncoderModel, T5's encoder alone"),
        ({"model_type": "dpr"}, "pooler's and not token by token; take sentence-transformers' copy of it"),
    ],
)
def test_other_settings_say_it_too(tmp_path, settings, what):
    assert what in _refusal(_names(tmp_path, "bert", **settings))


def test_a_timm_model(tmp_path):
    (tmp_path / "config.json").write_text('{"architecture": "resnet18", "pretrained_cfg": {"tag": "a1"}}')
    assert "resnet18, a model of timm, for images" in _refusal(tmp_path)


@pytest.mark.parametrize(
    ("files", "what"),
    [
        (["model_index.json"], "a pipeline of diffusers"),
        (["open_clip_config.json"], "a model of OpenCLIP"),
        (["meta.json", "config.cfg"], "a pipeline of spaCy"),
        (["model.bin"], "a model of fastText"),
        (["lid.176.ftz"], "a model of fastText"),
        (["config.json", "model.bin", "shared_vocabulary.json"], "a model of CTranslate2"),
        (["params.json", "consolidated.00.pth"], "a decoder in its maker's own format"),
        (["stt.nemo"], "a model of NVIDIA NeMo"),
    ],
)
def test_what_other_libraries_write_is_known_by_its_files(tmp_path, files, what):
    for name in files:
        (tmp_path / name).write_text("{}")
    assert f"{tmp_path} is {what}" in _refusal(tmp_path)


def test_static_embeddings_go_on(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "model2vec"}', "utf-8")
    refuse_foreign(tmp_path)


def test_the_transformer_of_the_old_layout_is_looked_at(tmp_path):
    (tmp_path / "modules.json").write_text(
        '[{"path": "0_Transformer", "type": "sentence_transformers.models.Transformer"}]'
    )
    _names(tmp_path / "0_Transformer", "t5")
    assert f"{tmp_path / '0_Transformer' / 'config.json'} says that this is t5" in _refusal(tmp_path)


@pytest.mark.parametrize(
    ("settings", "who"),
    [
        ({"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}, "bitsandbytes"),
        ({"quantization_config": {"load_in_8bit": True}}, "bitsandbytes"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "GPTQ"),
        ({"quantization_config": {"quant_method": "awq"}}, "AWQ"),
        ({"quantization_config": {"quant_method": "torchao"}}, "torchao"),
        ({"quantization_config": {"quant_method": "fp8"}}, "fp8"),
        ({"quantization_config": {"quant_method": "compressed-tensors"}}, "compressed-tensors"),
        ({"quantization_config": {"quant_method": "new"}}, "new"),
        ({"quantization_config": {"bits": 4}}, "a method that it does not name"),
        ({"quantization": {"group_size": 64, "bits": 4}}, "MLX"),
    ],
)
def test_quantised_weights_are_refused_with_the_way_round(tmp_path, settings, who):
    said = _refusal(_names(tmp_path, "bert", **settings))
    assert f"config.json says that the weights are quantised by {who}, which berth does not read; pack the" in said


@pytest.mark.parametrize(
    ("name", "settings", "who"),
    [
        ("quantize_config.json", {"bits": 4, "group_size": 128, "desc_act": False}, "GPTQ"),
        ("quant_config.json", {"zero_point": True, "q_group_size": 128, "w_bit": 4}, "AWQ"),
    ],
)
def test_older_tools_name_it_beside_config_json(tmp_path, name, settings, who):
    (_names(tmp_path, "bert") / name).write_text(json.dumps(settings))
    assert f"{tmp_path / name} says that the weights are quantised by {who}" in _refusal(tmp_path)


def test_what_transformers_js_says_of_its_onnx_files_is_nothing_of_the_weights(tmp_path):
    settings = {"per_channel": True, "reduce_range": True, "per_model_config": {"model": {"weight_type": "QInt8"}}}
    (_names(tmp_path, "bert") / "quantize_config.json").write_text(json.dumps(settings))
    refuse_foreign(tmp_path)


def test_every_method_of_transformers_has_a_name(tmp_path):
    for method in transformers.utils.quantization_config.QuantizationMethod:
        assert f"quantised by {method.value}" in _refusal(
            _names(tmp_path, "bert", quantization_config={"quant_method": method.value})
        ).replace("AWQ", "awq").replace("GPTQ", "gptq").replace("FBGEMM (fp8)", "fbgemm_fp8")


def test_berth_pack_says_it_and_imports_nothing_heavy(tmp_path):
    program = (
        "import sys; from berth.errors import Refused; from berth.pack.options import PackOptions; "
        "from berth.pack.pack import pack_checkpoint\n"
        "for folder in sys.argv[1:]:\n"
        "    try: pack_checkpoint(folder, PackOptions())\n"
        "    except Refused as refused: print(str(refused))\n"
        "print(sorted({'numpy', 'safetensors', 'tokenizers', 'torch', 'transformers'} & set(sys.modules)))"
    )
    folders = [str(_names(tmp_path / name, name)) for name in ("gpt2", "t5", "vit", "whisper")]
    command = [sys.executable, "-c", program, *folders]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    *said, heavy = ran.stdout.splitlines()
    assert ["says that this is" in line for line in said] == [True] * 4
    assert heavy == "[]"
    assert not list(tmp_path.glob("*.mar"))
