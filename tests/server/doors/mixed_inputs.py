"""200 inputs of all tasks, as lists that one request takes: short, long and empty texts, many scripts, pairs."""

from dataclasses import dataclass, field
from typing import Any

from handler.config import Task
from tests.support.texts import mixed_texts

MASK = "[MASK]"  # of the small ModernBERT
NUM_INPUTS = 215
LABELS = ["shipping", "the weather 😀", "a label of several words"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one request asks."""

    task: Task
    inputs: list[Any]
    parameters: dict[str, Any] = field(default_factory=dict)


def pairs(count: int) -> list[Any]:
    """Pairs of texts; the first two are empty, and both texts of some are long."""
    texts = mixed_texts(count, seed=17)
    return [{"text": text, "text_pair": other} for text, other in zip(texts, mixed_texts(count, seed=18), strict=True)]


def questions(count: int) -> list[Any]:
    """One question of contexts that all say something."""
    return [{"question": "Who wrote 日本語?", "context": f"Ada wrote. {text}"} for text in mixed_texts(count, seed=19)]


def queries(count: int, num_texts: int) -> list[Any]:
    """Queries with as many texts each."""
    texts = mixed_texts(count * num_texts, seed=20)
    rows = [texts[row * num_texts : (row + 1) * num_texts] for row in range(count)]
    return [{"query": query, "texts": row} for query, row in zip(mixed_texts(count, seed=21), rows, strict=True)]


BATCHES = [
    Batch(task=Task.EMBEDDINGS, inputs=mixed_texts(40)),
    Batch(task=Task.EMBEDDINGS, inputs=mixed_texts(10, seed=22), parameters={"dimensions": 64}),
    Batch(task=Task.TEXT_CLASSIFICATION, inputs=mixed_texts(45, seed=23)),
    Batch(
        task=Task.TEXT_CLASSIFICATION,
        inputs=[*pairs(15), "one text", {"text": "of a key"}, *pairs(3)],
        parameters={"top_k": None, "function_to_apply": "sigmoid"},
    ),
    Batch(
        task=Task.TOKEN_CLASSIFICATION,
        inputs=mixed_texts(20, seed=24),
        parameters={"aggregation_strategy": "simple", "ignore_labels": [], "stride": 100},
    ),
    Batch(task=Task.QUESTION_ANSWERING, inputs=questions(15), parameters={"top_k": 3, "align_to_words": False}),
    Batch(task=Task.FILL_MASK, inputs=[f"{MASK} and {MASK}", *(f"{MASK} {text}" for text in mixed_texts(14, seed=25))]),
    Batch(task=Task.TEXT_RANKING, inputs=[*queries(10, 3), *queries(5, 1), *queries(5, 7)], parameters={"top_k": 5}),
    Batch(
        task=Task.ZERO_SHOT_CLASSIFICATION,
        inputs=mixed_texts(15, seed=26),
        parameters={"candidate_labels": LABELS, "hypothesis_template": "Es geht um {}.", "multi_label": True},
    ),
    Batch(
        task=Task.ZERO_SHOT_TOKEN_CLASSIFICATION,
        inputs=mixed_texts(15, seed=27),
        parameters={"candidate_labels": LABELS, "threshold": 0.6, "multi_label": True},
    ),
]
