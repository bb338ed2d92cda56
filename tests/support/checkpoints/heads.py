"""Checkpoints that share an encoder: one is made of another, with a head of its own, as training with a frozen base."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from transformers import AutoConfig, AutoTokenizer

from berth.pack.references import REFERENCES
from handler.config import Task

LORA_SPREAD = 0.1


def make_sibling(base: Path, folder: Path, labels: Sequence[str], *, seed: int, task: Task, **settings: Any) -> Path:
    """A checkpoint with the encoder of `base`, and a head (and pooler) of its own with these labels.

    `settings` go to the transformers config, such as problem_type.
    """
    config = AutoConfig.from_pretrained(base)
    config.update({"id2label": dict(enumerate(labels)), "label2id": {name: i for i, name in enumerate(labels)}})
    config.update(settings)
    auto_class = getattr(transformers, REFERENCES[task].auto_class)
    model = auto_class.from_pretrained(base, config=config, ignore_mismatched_sizes=True)
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, module in model.named_modules():
            if isinstance(module, nn.Linear) and is_head(name, model.base_model_prefix):
                module.weight.normal_(0, module.in_features**-0.5)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    return folder


def is_head(name: str, prefix: str) -> bool:
    """Whether a weight or module of this name is a head's, in a model whose encoder has this prefix."""
    return not name.startswith(f"{prefix}.") or name.startswith(f"{prefix}.pooler")


def make_lora_head(base: Path, folder: Path, labels: Sequence[str], *, seed: int, **settings: Any) -> Path:
    """A LoRA of peft's on `base`, as trained, with a classifier and pooler of its own; `settings` go to peft's config.

    A config.json beside it has the labels, as docs/packing.md asks.
    """
    import peft  # noqa: PLC0415 - seconds, and few tests need it

    auto_class = transformers.AutoModelForSequenceClassification
    config = AutoConfig.from_pretrained(base, num_labels=len(labels))
    config.update({"id2label": dict(enumerate(labels)), "label2id": {name: i for i, name in enumerate(labels)}})
    given: dict[str, Any] = {"r": 4, "target_modules": ["query", "value"], "task_type": "SEQ_CLS"} | settings
    torch.manual_seed(seed)
    with warnings.catch_warnings():  # peft 0.21 asks for this by the name that transformers 5 gives up
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        model = peft.get_peft_model(auto_class.from_pretrained(base, config=config), peft.LoraConfig(**given))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * LORA_SPREAD)
    model.save_pretrained(str(folder))
    config.save_pretrained(folder)
    return folder


def load_with_peft(base: Path, lora: Path) -> Any:
    """peft's model of a LoRA on its base, as `make_lora_head` made it."""
    import peft  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        config = AutoConfig.from_pretrained(lora)
        whole = transformers.AutoModelForSequenceClassification.from_pretrained(base, config=config)
        return peft.PeftModel.from_pretrained(whole, str(lora)).eval()


def answer_with_peft(base: Path, lora: Path, texts: Sequence[str]) -> list[dict[str, float]]:
    """What peft answers with the adapter unmerged: the score of each label, for each text alone."""
    model, config = load_with_peft(base, lora), AutoConfig.from_pretrained(lora)
    tokenizer = AutoTokenizer.from_pretrained(base)
    answers = []
    for text in texts:
        with torch.inference_mode():
            scores = model(**tokenizer(text, return_tensors="pt")).logits.softmax(-1)[0].tolist()
        answers.append({config.id2label[place]: score for place, score in enumerate(scores)})
    return answers
