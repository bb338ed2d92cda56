"""Small, seeded, real checkpoints, made on disk: transformers' own classes and tokenizers, random weights."""

from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoConfig, PreTrainedModel
from transformers.models.auto import modeling_auto

from handler.config import Task

from . import tokens

LABELS = {0: "negative", 1: "neutral", 2: "positive"}
ENTITIES = dict(enumerate(("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")))
# The three orders and spellings that are found on the Hub: facebook/bart-large-mnli's is the usual one,
# MoritzLaurer's DeBERTa-v3 begins with the entailment, FacebookAI/roberta-large-mnli writes capitals.
NLI_LABELS = dict(enumerate(("contradiction", "neutral", "entailment")))
NLI_LABELS_OF = {
    "deberta-v2": dict(enumerate(("entailment", "neutral", "contradiction"))),
    "modernbert": dict(enumerate(("entailment", "neutral", "contradiction"))),
    "roberta": dict(enumerate(("CONTRADICTION", "NEUTRAL", "ENTAILMENT"))),
}
SIZES: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 512,
}
BEHIND_PADDING = SIZES | {"max_position_embeddings": 514}  # positions begin at pad_token_id + 1 = 2
# What differs from each config's own defaults, apart from ids and labels.
SETTINGS: dict[str, dict[str, Any]] = {
    "bert": SIZES,
    "roberta": BEHIND_PADDING | {"type_vocab_size": 1},
    "xlm-roberta": BEHIND_PADDING | {"type_vocab_size": 1},
    "camembert": BEHIND_PADDING | {"type_vocab_size": 1, "bos_token_id": 5, "eos_token_id": 6},
    "distilbert": {"dim": 64, "hidden_dim": 128, "n_layers": 3, "n_heads": 4, "max_position_embeddings": 512},
    "electra": SIZES | {"embedding_size": 32},
    "albert": SIZES | {"embedding_size": 32},
    "mpnet": BEHIND_PADDING,
    # As microsoft/deberta-v3-base, with fewer buckets: relative positions only.
    "deberta-v2": SIZES
    | {
        "relative_attention": True,
        "position_buckets": 32,
        "pos_att_type": ["p2c", "c2p"],
        "position_biased_input": False,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "type_vocab_size": 0,
    },
    # Layers 0 and 3 see the whole text, 1 and 2 see 16 tokens to either side.
    "modernbert": SIZES
    | {"num_hidden_layers": 4, "local_attention": 32}
    | {"bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2},
    "nomic-bert": SIZES,
}
EMBEDDING_SPREAD = 0.08
ARCHITECTURES = tuple(SETTINGS)
RELATIVE = ("mpnet", "deberta-v2")
"""Architectures that do not take their attention from transformers.AttentionInterface (handler.engine.relative)."""
_CLASS_NAMES: dict[Task, dict[str, Any]] = {
    Task.EMBEDDINGS: modeling_auto.MODEL_MAPPING_NAMES,
    Task.TEXT_CLASSIFICATION: modeling_auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
    Task.TOKEN_CLASSIFICATION: modeling_auto.MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES,
    Task.QUESTION_ANSWERING: modeling_auto.MODEL_FOR_QUESTION_ANSWERING_MAPPING_NAMES,
    Task.FILL_MASK: modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    Task.TEXT_RANKING: modeling_auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
    Task.ZERO_SHOT_CLASSIFICATION: modeling_auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
}


def _model_type(architecture: str) -> str:
    return "nomic_bert" if architecture == "nomic-bert" else architecture


TASKS_OF: dict[str, tuple[Task, ...]] = {
    architecture: tuple(task for task, names in _CLASS_NAMES.items() if _model_type(architecture) in names)
    for architecture in ARCHITECTURES
}
"""The tasks for which transformers has a class, by architecture."""


def make_checkpoint(folder: Path, architecture: str, task: Task, **settings: Any) -> Path:
    """A checkpoint of `architecture` for `task` in `folder`; `settings` go to the transformers config."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tokens.MAKERS[architecture](folder)
    config = AutoConfig.for_model(
        _model_type(architecture),
        **{"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id},
        **SETTINGS[architecture] | _labels(architecture, task) | settings,
    )
    torch.manual_seed(20)
    model = getattr(transformers, _CLASS_NAMES[task][config.model_type])(config)
    spread(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _labels(architecture: str, task: Task) -> dict[str, Any]:
    labels = {
        Task.TEXT_CLASSIFICATION: LABELS,
        Task.TOKEN_CLASSIFICATION: ENTITIES,
        Task.TEXT_RANKING: {0: "LABEL_0"},
        Task.ZERO_SHOT_CLASSIFICATION: NLI_LABELS_OF.get(architecture, NLI_LABELS),
    }.get(task)
    return {} if labels is None else {"id2label": labels, "label2id": {name: index for index, name in labels.items()}}


def spread(model: PreTrainedModel) -> None:
    """Make weights larger than transformers' 0.02, so that answers differ between texts and mistakes show.

    A matrix of [out, in] at 1 / sqrt(in) keeps the size of what goes through it, whatever the architecture.
    """
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 2:
                wanted = EMBEDDING_SPREAD if "embeddings" in name else parameter.shape[1] ** -0.5
                parameter.mul_(wanted / parameter.std())
