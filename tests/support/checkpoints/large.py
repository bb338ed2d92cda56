"""BERT-base with seeded random weights: the size and speed of the real one, without its weights."""

from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoTokenizer, BertConfig

from berth.pack.references import REFERENCES
from berth.sources.sample import installed_folder
from handler.config import Task

LABELS = {0: "contradiction", 1: "neutral", 2: "entailment"}
LABELS_OF = {Task.TEXT_RANKING: {0: "score"}, Task.QUESTION_ANSWERING: {0: "start", 1: "end"}}


def make_bert_base(folder: Path, task: Task, **sizes: Any) -> Path:
    """BERT-base (12 layers, hidden 768, 110 M parameters) for `task`, with the sample's vocabulary.

    `sizes`: what is to be smaller, as BertConfig names it.
    """
    torch.manual_seed(20)
    config = BertConfig(id2label=LABELS_OF.get(task, LABELS), **sizes)
    getattr(transformers, REFERENCES[task].auto_class).from_config(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(installed_folder(), model_max_length=512).save_pretrained(folder)
    return folder
