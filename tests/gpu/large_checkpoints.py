"""BERT-base with seeded random weights: the size and speed of the real one, without its weights."""

from pathlib import Path

import torch
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, BertModel

from berth.sample import sample_folder
from handler.config import Task

CLASSES = {Task.EMBEDDINGS: BertModel, Task.TEXT_CLASSIFICATION: BertForSequenceClassification}


def make_bert_base(folder: Path, task: Task) -> Path:
    """BERT-base (12 layers, hidden 768, 110 M parameters) for `task`, with the sample's vocabulary."""
    torch.manual_seed(20)
    CLASSES[task](BertConfig(id2label={0: "no", 1: "maybe", 2: "yes"})).save_pretrained(folder)
    AutoTokenizer.from_pretrained(sample_folder(), model_max_length=512).save_pretrained(folder)
    return folder
