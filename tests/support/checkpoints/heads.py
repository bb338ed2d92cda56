"""Checkpoints that share an encoder: one is made of another, with a head of its own, as training with a frozen base."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from transformers import AutoConfig, AutoTokenizer

from berth.pack.references import REFERENCES
from handler.config import Task


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
