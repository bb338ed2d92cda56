"""Adapters are merged by peft into their base, wherever it lies, and refused where that cannot be."""

import importlib.util
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers
from safetensors import safe_open

from berth.convert import adapter as adapters
from berth.convert import merge
from berth.convert.base import base_address, bring_base
from berth.convert.convert import converted
from berth.convert.copying import copy_folder
from berth.errors import Refused
from berth.progress import Silence
from handler.config import Task
from tests.support.checkpoints import LABELS, make_checkpoint
from tests.support.checkpoints.weights import make_adapter, make_lora, save_pickle

# peft 0.21 asks for this by the name that transformers 5 gives up.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
TOLERANCE = 1e-5
TEXT = "the ship lies in the harbour until the tide turns"


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("bases") / "base", "bert", Task.EMBEDDINGS)


@pytest.fixture
def lora(tmp_path, base) -> Path:
    return make_lora(tmp_path / "adapter", base)


def _set(folder: Path, **settings: object) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def _encoded(base: Path) -> Any:
    return transformers.AutoTokenizer.from_pretrained(base)(TEXT, return_tensors="pt")


def _merge_here(folder: Path, tmp_path: Path) -> Path:
    """What `converted` does, with peft in this process, for speed."""
    copy = tmp_path / "copy"
    copy_folder(folder, copy)
    bring_base(folder, copy, Silence())
    inner, merged = copy / ".adapter", tmp_path / "merged"
    model_class = adapters._model_class(copy, json.loads((inner / "adapter_config.json").read_text()))
    merge.run(
        {
            "base": str(copy),
            "adapter": str(inner),
            "shown": str(folder / "adapter_config.json"),
            "model_class": model_class,
            "merged": str(merged),
        }
    )
    return merged


Config = Callable[[], peft.PeftConfig]
SEQ_CLS: dict[str, Any] = {"task_type": "SEQ_CLS", "target_modules": ["query", "value"]}
KINDS: dict[str, Config] = {
    "LoRA": lambda: peft.LoraConfig(r=4, **SEQ_CLS),
    "LoRA with rank stabilisation": lambda: peft.LoraConfig(r=4, use_rslora=True, **SEQ_CLS),
    "DoRA": lambda: peft.LoraConfig(r=4, use_dora=True, **SEQ_CLS),
    "LoRA with all biases": lambda: peft.LoraConfig(r=4, bias="all", **SEQ_CLS),
    "LoRA with a layer trained whole": lambda: peft.LoraConfig(r=4, modules_to_save=["pooler"], **SEQ_CLS),
    "LoHa": lambda: peft.LoHaConfig(r=4, **SEQ_CLS),
    "LoKr": lambda: peft.LoKrConfig(r=4, **SEQ_CLS),
    "IA3": lambda: peft.IA3Config(feedforward_modules=[], **SEQ_CLS),
}


@pytest.mark.parametrize("kind", KINDS)
def test_merged_answers_are_pefts_own(tmp_path, base, kind):
    auto = transformers.AutoModelForSequenceClassification
    folder = make_adapter(tmp_path / "adapter", base, KINDS[kind](), auto.__name__, num_labels=len(LABELS))
    merged = auto.from_pretrained(_merge_here(folder, tmp_path)).eval()
    own = peft.PeftModel.from_pretrained(auto.from_pretrained(base, num_labels=len(LABELS)), folder).eval()
    bare = auto.from_pretrained(base, num_labels=len(LABELS)).eval()
    with torch.inference_mode():
        answers = [model(**_encoded(base)).logits[0] for model in (merged, own, bare)]
    assert torch.allclose(answers[0], answers[1], rtol=0, atol=TOLERANCE)
    assert not torch.allclose(answers[0], answers[2], rtol=0, atol=100 * TOLERANCE)


def test_tokens_that_were_added_in_training(tmp_path, base):
    model = transformers.AutoModelForSequenceClassification.from_pretrained(base)
    rows = model.config.vocab_size + 3
    model.resize_token_embeddings(rows)
    peft.get_peft_model(model, peft.LoraConfig(r=4, **SEQ_CLS)).save_pretrained(
        tmp_path / "adapter", save_embedding_layers=True
    )
    with safe_open(_merge_here(tmp_path / "adapter", tmp_path) / "model.safetensors", "pt") as file:
        assert file.get_slice("bert.embeddings.word_embeddings.weight").get_shape()[0] == rows


def test_a_base_of_pickles_and_an_adapter_of_pickles_in_a_process_of_their_own(tmp_path, base):
    shutil.copytree(base, tmp_path / "base")
    save_pickle(tmp_path / "base")
    folder = make_lora(tmp_path / "adapter", base)
    with safe_open(folder / "adapter_model.safetensors", "pt") as file:
        torch.save({name: file.get_tensor(name) for name in file.keys()}, folder / "adapter_model.bin")  # noqa: SIM118
    (folder / "adapter_model.safetensors").unlink()
    _set(folder, base_model_name_or_path="../base")
    with converted(folder, Silence()) as ready:
        config = json.loads((ready.folder / "config.json").read_text())
        names = {path.name for path in ready.folder.iterdir()}
    assert config["architectures"] == ["BertForSequenceClassification"]
    assert len(config["id2label"]) == len(LABELS)
    assert names >= {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert not [name for name in names if "adapter" in name or name.endswith(".bin")]
    assert ready.notes[1].startswith(f"the adapter (LORA) was merged into its base by peft {peft.__version__}")


def test_the_adapters_own_tokenizer_and_labels_win(tmp_path, base, lora):
    settings = {"id2label": {"0": "red", "1": "green", "2": "blue"}, "label2id": {"red": 0, "green": 1, "blue": 2}}
    (lora / "config.json").write_text(json.dumps(json.loads((base / "config.json").read_text()) | settings))
    (lora / "vocab.txt").write_text("[PAD]\n")
    copy = tmp_path / "copy"
    copy_folder(lora, copy)
    bring_base(lora, copy, Silence())
    assert json.loads((copy / "config.json").read_text())["id2label"] == settings["id2label"]
    assert not (copy / "tokenizer.json").exists()
    assert not (copy / "tokenizer_config.json").exists()


def test_an_adapter_with_settings_alone_gets_the_bases_tokenizer(tmp_path, base, lora):
    (lora / "tokenizer_config.json").write_text("{}")
    copy = tmp_path / "copy"
    copy_folder(lora, copy)
    bring_base(lora, copy, Silence())
    assert (copy / "tokenizer.json").read_bytes() == (base / "tokenizer.json").read_bytes()
    assert (copy / "tokenizer_config.json").read_text() == "{}"


def test_an_address_of_the_hub_may_have_a_revision(tmp_path):
    (tmp_path / "adapter_config.json").touch()
    for revision, address in ((None, "org/base"), ("0a1b", "org/base@0a1b")):
        content = {"base_model_name_or_path": "org/base", "revision": revision}
        (tmp_path / "adapter_config.json").write_text(json.dumps(content))
        assert base_address(tmp_path) == address


@pytest.mark.parametrize(
    "address", ["s3://bucket/base", "https://example.org/base", "/nowhere/base", "../nothing/at/all"]
)
def test_an_adapter_fetches_nothing_but_from_the_hub(lora, address):
    _set(lora, base_model_name_or_path=address)
    words = r"adapter_config\.json names its base under .*: there is no folder"
    with pytest.raises(Refused, match=words), converted(lora, Silence()):
        pass


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"peft_type": "PREFIX_TUNING"}, "of the kind PREFIX_TUNING, which cannot be merged"),
        ({"task_type": "CAUSAL_LM"}, "an adapter for CAUSAL_LM, and berth serves encoders only"),
        ({"base_model_name_or_path": None}, "it names none, and an adapter is nothing without it"),
    ],
)
def test_what_cannot_be_merged_is_refused(lora, settings, words):
    _set(lora, **settings)
    with pytest.raises(Refused, match=words), converted(lora, Silence()):
        pass


def test_an_adapter_of_another_library_is_refused(lora):
    (lora / "adapter_config.json").write_text('{"config": {"architecture": "pfeiffer"}}')
    with pytest.raises(Refused, match=r"names no peft_type, so it is not an adapter of peft's"):
        adapters.applies(lora)


def test_an_adapter_beside_a_whole_model_is_refused(lora, base):
    shutil.copy(base / "model.safetensors", lora)
    with pytest.raises(Refused, match="holds an adapter and a whole model"):
        adapters.applies(lora)


def test_an_adapter_without_weights_is_refused(lora):
    (lora / "adapter_model.safetensors").unlink()
    with pytest.raises(Refused, match=r"adapter_config\.json has no adapter_model\.safetensors or adapter_model\.bin"):
        adapters.applies(lora)


def test_a_folder_of_adapters_names_one(tmp_path, lora):
    with pytest.raises(Refused, match=rf"holds adapters in folders of their own: pack one, such as {lora}"):
        adapters.applies(tmp_path)


def test_without_peft_the_command_that_installs_it_is_named(lora, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(Refused, match=r"peft is not installed: pip install 'berth\[lora\]'"):
        adapters.applies(lora)


def test_a_head_that_neither_has_is_refused(tmp_path, base):
    config = peft.LoraConfig(r=4, target_modules=["query"])
    folder = make_adapter(tmp_path / "adapter", base, config, "BertForTokenClassification")
    with pytest.raises(Refused, match=r"neither the adapter of .* nor its base has weights for classifier\.bias"):
        _merge_here(folder, tmp_path)
