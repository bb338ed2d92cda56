"""zero-shot-token-classification: how sure is a GLiNER model that words are an entity of a type?"""

from typing import Any

from ..checkpoint import Checkpoint
from .reference import Reference

LABELS = ("place", "ship", "a rather long label about nothing in particular")


def _ask(checkpoint: Checkpoint, model: Any, tokenizer: Any, item: str) -> list[float]:
    """Scores of the spans of all windows, every KNOWN_SPANS_STEPth of a window's."""
    from ..gliner.plain import span_scores  # noqa: PLC0415 - it is there once there is a model

    return span_scores(checkpoint, model, tokenizer, item, LABELS)


ZERO_SHOT_TOKEN_CLASSIFICATION = Reference(auto_class="AutoModel", parameters={"candidate_labels": LABELS}, ask=_ask)
