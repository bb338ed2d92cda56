"""A reading to what transformers' pipeline would give for it: one file and one function per task. No torch."""

from collections.abc import Callable
from typing import Any

from ..config import HandlerConfig, Task
from .embeddings import make_embedding_head
from .fill_mask import make_fill_mask_head
from .question_answering import make_question_answering_head
from .reading import Head, Reading, Row
from .text_classification import make_classification_head
from .text_ranking import make_ranking_head
from .token_classification import make_token_classification_head
from .zero_shot_classification import make_zero_shot_head

__all__ = ["TASK_HEADS", "Head", "Reading", "Row"]

MakeHead = Callable[[Any, Any, HandlerConfig], Head]
"""From the checkpoint's transformers config, its tokenizer, and our own settings."""
TASK_HEADS: dict[Task, MakeHead] = {
    Task.EMBEDDINGS: make_embedding_head,
    Task.TEXT_CLASSIFICATION: make_classification_head,
    Task.TOKEN_CLASSIFICATION: make_token_classification_head,
    Task.QUESTION_ANSWERING: make_question_answering_head,
    Task.FILL_MASK: make_fill_mask_head,
    Task.TEXT_RANKING: make_ranking_head,
    Task.ZERO_SHOT_CLASSIFICATION: make_zero_shot_head,
}
