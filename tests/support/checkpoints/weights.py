"""Weights of other forms than today's, made by the libraries that people make them with."""

import json
import os
import shutil
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file, save_file

from handler.config import Task
from tests.support.checkpoints import LABELS, make_checkpoint

WEIGHTS, PICKLE = "model.safetensors", "pytorch_model.bin"
ADAPTER_SPREAD = 0.1  # large enough that every answer moves
OLD_NAMES = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
# What bert_config.json of bert-base-uncased had in 2018, and no more.
OLD_FIELDS = (
    "attention_probs_dropout_prob",
    "hidden_act",
    "hidden_dropout_prob",
    "hidden_size",
    "initializer_range",
    "intermediate_size",
    "max_position_embeddings",
    "num_attention_heads",
    "num_hidden_layers",
    "type_vocab_size",
    "vocab_size",
)


class WantsCode:
    """What a pickle must never get: a call of the system."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("true",)


def save_pickle(folder: Path, *, is_old_format: bool = False) -> Path:
    """Put the weights in `folder` into a pickle, as they were saved before safetensors, or before torch 1.6."""
    weights = OrderedDict(load_file(folder / WEIGHTS))
    torch.save(weights, folder / PICKLE, _use_new_zipfile_serialization=not is_old_format)
    (folder / WEIGHTS).unlink()
    return folder


def shard_pickle(folder: Path, num_shards: int = 3) -> Path:
    """Put the weights in `folder` into several pickles and their index, as transformers 4 split large models."""
    weights = load_file(folder / WEIGHTS)
    weight_map: dict[str, str] = {}
    for shard in range(num_shards):
        name = f"pytorch_model-{shard + 1:05}-of-{num_shards:05}.bin"
        part = {key: tensor for place, (key, tensor) in enumerate(weights.items()) if place % num_shards == shard}
        torch.save(part, folder / name)
        weight_map |= dict.fromkeys(part, name)
    (folder / f"{PICKLE}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    (folder / WEIGHTS).unlink()
    return folder


def make_2019(folder: Path, task: Task) -> Path:
    """The layout of pytorch-pretrained-bert: bert_config.json, vocab.txt, and pytorch_model.bin with its old names."""
    with_config = make_checkpoint(folder / "made", "bert", task)
    model: Any = transformers.AutoModel if task is Task.EMBEDDINGS else transformers.AutoModelForMaskedLM
    weights = load_file(with_config / WEIGHTS)
    if task is Task.FILL_MASK:  # tied, as the model had it in memory
        weights = model.from_pretrained(with_config).state_dict()
    torch.save(OrderedDict((_old_name(name), tensor) for name, tensor in weights.items()), folder / PICKLE)
    config = json.loads((with_config / "config.json").read_text())
    (folder / "bert_config.json").write_text(json.dumps({field: config[field] for field in OLD_FIELDS}))
    words = transformers.AutoTokenizer.from_pretrained(with_config).get_vocab()
    (folder / "vocab.txt").write_text("\n".join(sorted(words, key=words.__getitem__)) + "\n", "utf-8")
    shutil.rmtree(with_config)
    return folder


def _old_name(name: str) -> str:
    for new, old in OLD_NAMES.items():
        name = name.replace(new, old)
    return name


def save_as(folder: Path, dtype: torch.dtype) -> Path:
    """Save the weights in `folder` again in another type."""
    weights = load_file(folder / WEIGHTS)
    save_file({name: tensor.to(dtype) for name, tensor in weights.items()}, folder / WEIGHTS, {"format": "pt"})
    return folder


def make_adapter(folder: Path, base: Path, config: Any, model_class: str, **settings: Any) -> Path:
    """An adapter of peft's in `folder`, as trained: no weight of its own is what it began with."""
    import peft  # noqa: PLC0415 - seconds, and few tests need it

    torch.manual_seed(22)
    with warnings.catch_warnings():  # peft 0.21 asks for this by the name that transformers 5 gives up
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        model = peft.get_peft_model(getattr(transformers, model_class).from_pretrained(base, **settings), config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * ADAPTER_SPREAD)
    model.save_pretrained(folder)
    return folder


def make_lora(folder: Path, base: Path, **settings: Any) -> Path:
    """A LoRA with a classifier of three labels; `settings` go to peft's config."""
    import peft  # noqa: PLC0415

    config = peft.LoraConfig(task_type="SEQ_CLS", r=4, target_modules=["query", "value"], **settings)
    return make_adapter(folder, base, config, "AutoModelForSequenceClassification", num_labels=len(LABELS))


def old_weights(folder: Path) -> Any:
    """What the folder's pickle holds."""
    return torch.load(folder / PICKLE, weights_only=True)
