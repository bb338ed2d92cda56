"""zero-shot-classification: does a text entail the claim that a label fits it? Only the user can name this task.

But of a GLiClass model, which has a logit for each label: its config.json does.
"""

from collections.abc import Sequence
from typing import Any

from ..checkpoint import Checkpoint
from .reference import Reference, Texts

CLAIM = "This example is {}."  # transformers' hypothesis_template
LABELS = ("ships", "weather", "a rather long label about nothing in particular")


def _wrong_labels(labels: Sequence[str]) -> str:
    if len(labels) > 1 and any(label.lower().startswith("entail") for label in labels):
        return ""
    return (
        "zero-shot-classification needs one that begins with `entail`, and another: if this model was trained for "
        "natural language inference, write the names of its labels into id2label and label2id"
    )


def _text_with_each_claim(_checkpoint: Checkpoint, item: str) -> list[Texts]:
    return [(item, CLAIM.format(label)) for label in LABELS]


def _cut_text(max_tokens: int) -> dict[str, Any]:
    return {"truncation": "only_first", "max_length": max_tokens}


ZERO_SHOT_CLASSIFICATION = Reference(
    auto_class="AutoModelForSequenceClassification",
    wrong_labels=_wrong_labels,
    parameters={"candidate_labels": LABELS},
    texts=_text_with_each_claim,
    cut=_cut_text,
)


def _ask_candidates(checkpoint: Checkpoint, model: Any, tokenizer: Any, item: str) -> list[float]:
    """The logits of the labels."""
    from ..gliclass.plain import label_logits  # noqa: PLC0415 - it is there once there is a model

    return label_logits(checkpoint, model, tokenizer, item, LABELS)


CANDIDATES = Reference(auto_class="AutoModel", parameters={"candidate_labels": LABELS}, ask=_ask_candidates)
