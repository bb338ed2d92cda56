"""text-ranking: one logit for each pair of a query and a text. No architecture names it: a cross-encoder does."""

from collections.abc import Sequence
from typing import Any

from ..checkpoint import Checkpoint
from .known_texts import QUESTION
from .reference import Reference, Texts


def _wrong_labels(labels: Sequence[str]) -> str:
    if len(labels) == 1:
        return ""
    return "text-ranking needs exactly one: a classifier is for --task text-classification"


def _queries(_checkpoint: Checkpoint, _mask_token: str | None, texts: Texts) -> tuple[object, ...]:
    first, *others, long = (text for text in texts if text)  # the first input is what every health check asks
    return tuple({"query": QUESTION, "texts": texts} for texts in ([first], others, [long]))


def _pairs(_checkpoint: Checkpoint, item: dict[str, Any]) -> list[Texts]:
    return [(item["query"], text) for text in item["texts"]]


TEXT_RANKING = Reference(
    auto_class="AutoModelForSequenceClassification", wrong_labels=_wrong_labels, inputs=_queries, texts=_pairs
)
