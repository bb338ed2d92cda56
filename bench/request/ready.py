"""A model whose answers are ready: the handler runs without its forward pass, so that the CPU's part stands alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import transformers
from transformers import AutoTokenizer, BertConfig

from berth.sources.sample import sample_folder
from handler.config import HandlerConfig, Task
from handler.engine.model import MODELS, Engine, PackedModel
from handler.pipeline import Pipeline
from handler.tasks import TASKS
from handler.tasks.kind import Reads, Row

SEED = 1
TOKEN_BUDGET = 16_384  # a GPU's default: as many texts in a forward pass as there
OFTEN_O = 3.0  # added to the first label's logit of each token, or most of a text would be entities
LABELS: dict[Task, tuple[str, ...]] = {
    Task.TEXT_CLASSIFICATION: ("negative", "positive"),
    Task.ZERO_SHOT_CLASSIFICATION: ("contradiction", "neutral", "entailment"),
    Task.TEXT_RANKING: ("relevant",),
    Task.TOKEN_CLASSIFICATION: ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"),
}
CLASSES = {Task.EMBEDDINGS: "BertModel", Task.TOKEN_CLASSIFICATION: "BertForTokenClassification"}


class ReadyModel(PackedModel):
    """Batches are packed as ever; the rows of a forward pass are taken from one array of random numbers."""

    def __init__(self, folder: Path, config: HandlerConfig, *others: Any) -> None:
        super().__init__(folder, config, *others)
        reads = TASKS[config.task].reads
        self._by_token = reads is Reads.TOKEN_LOGITS
        width = self.vector_size if reads is Reads.VECTOR else self.network.config.num_labels
        self._rows = np.random.default_rng(SEED).standard_normal((2 * TOKEN_BUDGET, width), np.float32)
        self._rows[:, 0] += OFTEN_O * self._by_token

    def forward(self, batch: Any) -> list[Row]:
        if self._by_token:
            return np.split(self._rows[: batch.num_tokens], np.cumsum(batch.lengths)[:-1])
        return list(self._rows[: len(batch.lengths)])


def make_checkpoint(folder: Path, task: Task) -> Path:
    """One layer as wide as BERT-base's, with seeded random weights and the sample's tokenizer."""
    names = dict(enumerate(LABELS.get(task, ())))
    labels: dict[str, Any] = {"id2label": names, "label2id": {name: number for number, name in names.items()}}
    config = BertConfig(num_hidden_layers=1, **(labels if names else {}))
    torch.manual_seed(SEED)
    getattr(transformers, CLASSES.get(task, "BertForSequenceClassification"))(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(sample_folder()).save_pretrained(folder)
    return folder


@contextmanager
def ready_pipeline(folder: Path, task: Task) -> Iterator[Pipeline]:
    """A pipeline of a checkpoint, whose forward passes take no time."""
    config = HandlerConfig(task=task, max_tokens=512, token_budget=TOKEN_BUDGET)
    with patch.dict(MODELS, {Engine.PACKED: ReadyModel}):
        yield Pipeline(folder, config, torch.device("cpu"), Engine.PACKED)
