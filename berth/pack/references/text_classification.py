"""text-classification: a text or a pair, and a logit for each label."""

from ..checkpoint import Checkpoint
from .known_texts import QUESTION
from .reference import Reference, Texts

PAIR = {"text": QUESTION, "text_pair": "At low tide there are nine metres of water."}


def _texts_and_a_pair(_checkpoint: Checkpoint, _mask_token: str | None, texts: Texts) -> tuple[object, ...]:
    return (*texts, PAIR)


def _text_or_pair(_checkpoint: Checkpoint, item: str | dict[str, str]) -> list[Texts]:
    return [(item,) if isinstance(item, str) else tuple(item.values())]


TEXT_CLASSIFICATION = Reference(
    auto_class="AutoModelForSequenceClassification",
    endings=("ForSequenceClassification",),
    inputs=_texts_and_a_pair,
    texts=_text_or_pair,
)
