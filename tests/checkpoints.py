"""Small, seeded, real checkpoints, made on disk: transformers' own classes and tokenizers, random weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    DistilBertModel,
    PreTrainedConfig,
    PreTrainedModel,
    RobertaConfig,
    RobertaForSequenceClassification,
    RobertaModel,
    RobertaTokenizerFast,
)

from berth.sample import sample_folder
from handler.config import Task

ARCHITECTURES = ("bert", "roberta", "distilbert")
LABELS = {0: "negative", 1: "neutral", 2: "positive"}


def make_checkpoint(folder: Path, architecture: str, task: Task, **settings: Any) -> Path:
    """A checkpoint of `architecture` for `task` in `folder`; `settings` go to the transformers config."""
    make_config, make_tokenizer, classes = _ARCHITECTURES[architecture]
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer(folder)
    config = make_config(vocab_size=len(tokenizer), **({"id2label": LABELS} | settings))
    torch.manual_seed(20)
    model = classes[task](config)
    _spread(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _spread(model: PreTrainedModel) -> None:
    """Make weights larger than transformers' 0.02, so that answers differ between texts and mistakes show."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 2:
                parameter.mul_(4 if "embeddings" in name else 3)


def _bert_config(**settings: Any) -> PreTrainedConfig:
    return BertConfig(**_SIZES, **settings)


def _roberta_config(**settings: Any) -> PreTrainedConfig:
    sizes = _SIZES | {"max_position_embeddings": 514, "type_vocab_size": 1}
    return RobertaConfig(**sizes, pad_token_id=1, bos_token_id=0, eos_token_id=2, **settings)


def _distilbert_config(**settings: Any) -> PreTrainedConfig:
    return DistilBertConfig(dim=64, hidden_dim=128, n_layers=3, n_heads=4, max_position_embeddings=512, **settings)


def _bert_tokenizer(_folder: Path) -> Any:
    return AutoTokenizer.from_pretrained(sample_folder(), model_max_length=512)


def _distilbert_tokenizer(folder: Path) -> Any:
    tokenizer = _bert_tokenizer(folder)
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    return tokenizer


def _roberta_tokenizer(folder: Path) -> Any:
    """A byte-level BPE trained on the sample's vocabulary: small, deterministic, and complete for any text."""
    words = (sample_folder() / "vocab.txt").read_text("utf-8").splitlines()
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(
        words,
        vocab_size=2000,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        show_progress=False,
    )
    bpe.save_model(str(folder))
    return RobertaTokenizerFast.from_pretrained(folder, model_max_length=512)


_SIZES: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 512,
}
_Architecture = tuple[
    Callable[..., PreTrainedConfig],
    Callable[[Path], Any],
    dict[Task, type[PreTrainedModel]],
]
_ARCHITECTURES: dict[str, _Architecture] = {
    "bert": (
        _bert_config,
        _bert_tokenizer,
        {Task.EMBEDDINGS: BertModel, Task.TEXT_CLASSIFICATION: BertForSequenceClassification},
    ),
    "roberta": (
        _roberta_config,
        _roberta_tokenizer,
        {Task.EMBEDDINGS: RobertaModel, Task.TEXT_CLASSIFICATION: RobertaForSequenceClassification},
    ),
    "distilbert": (
        _distilbert_config,
        _distilbert_tokenizer,
        {Task.EMBEDDINGS: DistilBertModel, Task.TEXT_CLASSIFICATION: DistilBertForSequenceClassification},
    ),
}
