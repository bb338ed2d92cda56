"""text-classification: the best label of a text or pair, or several, best first."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import UNSET, Meta, UnsetType

from ..config import HandlerConfig, ScoreFunction, Task
from ..errors import InvalidParameter
from ..inputs import PairObject, TextInput
from ..parameters import MAX_NAMES, Count, CutParameters
from ..text.passages import Layout, Passages, TextPair
from ..wire import join_pointer, list_names, quote
from .kind import Head, Reading, Reads, TaskKind, stack_rows
from .scores import SCORE_FUNCTIONS, Numbers, labels_of

Found = dict[str, Any]


class ClassificationParameters(CutParameters, frozen=True, kw_only=True):
    """text-classification: the parameters of transformers' pipeline."""

    head: str | None = None
    """Of an archive with several heads, the one that answers. Absent: the first."""
    top_k: UnsetType | Count | None = UNSET
    """Absent: the best label as one object. A number or null (all labels): a list, best first."""
    function_to_apply: ScoreFunction | None = None
    """Absent: what the checkpoint's problem_type says."""
    threshold: float | Annotated[dict[str, float], Meta(max_length=MAX_NAMES)] | None = None
    """Keep only labels with at least this score: one for all, or by label (0 for the rest). A list, perhaps empty."""


class Label(msgspec.Struct, kw_only=True):
    """A label and its score."""

    label: str
    score: float


def plan(source: TextInput, _: ClassificationParameters, config: HandlerConfig) -> Passages:
    """Read the text, or the pair, itself."""
    pair = TextPair(text=source.text, text_pair=source.text_pair)
    return Passages(pairs=(pair,), layout=Layout(max_tokens=config.max_tokens))


def make_head(hf_config: Any, *_: Any) -> Head[ClassificationParameters]:
    """Make the head: logits [num_labels] -> the best label, or with top_k or threshold a list."""
    labels = labels_of(hf_config)
    default = default_function(hf_config.problem_type, len(labels))

    def head(readings: Sequence[Reading], parameters: ClassificationParameters) -> Iterable[object]:
        scores = SCORE_FUNCTIONS[parameters.function_to_apply or default](stack_rows(readings))
        limit = parameters.top_k if isinstance(parameters.top_k, int) else None
        if parameters.threshold is not None:
            smallest = thresholds(parameters.threshold, labels)
            every = rank(labels, scores, None)
            return [[item for item in ranked if item["score"] >= smallest[item["label"]]][:limit] for ranked in every]
        if parameters.top_k is UNSET:
            return [best for (best,) in rank(labels, scores, 1)]
        return rank(labels, scores, limit)

    return head


def rank(labels: list[str], scores: Numbers, count: int | None) -> list[list[Found]]:
    """Return the `count` best labels (None: all) of each text, best first, of equals the first; scores are [N, L]."""
    order = scores.argmax(-1, keepdims=True) if count == 1 else np.argsort(-scores, -1, kind="stable")[:, :count]
    best = scores[np.arange(len(scores))[:, None], order]
    return [
        [{"label": labels[index], "score": score} for index, score in zip(indices, values, strict=True)]
        for indices, values in zip(order.tolist(), best.tolist(), strict=True)
    ]


def default_function(problem_type: str | None, num_labels: int) -> ScoreFunction:
    """Choose by transformers' rule (pipelines/text_classification.py, postprocess)."""
    if problem_type == "regression":
        return ScoreFunction.NONE
    if problem_type == "multi_label_classification" or num_labels == 1:
        return ScoreFunction.SIGMOID
    return ScoreFunction.SOFTMAX


def thresholds(wanted: float | dict[str, float], labels: list[str]) -> dict[str, float]:
    """Return the smallest score of each label; InvalidParameter for a label that the model does not have."""
    if not isinstance(wanted, dict):
        return dict.fromkeys(labels, wanted)
    for label in wanted:
        if label not in labels:
            raise InvalidParameter(
                f"threshold names the label {quote(label)}; this model has {list_names(labels)}",
                join_pointer("/parameters/threshold", label),
            )
    return dict.fromkeys(labels, 0.0) | wanted


TEXT_CLASSIFICATION = TaskKind(
    task=Task.TEXT_CLASSIFICATION,
    input_object=PairObject,
    parameters=ClassificationParameters,
    is_explained=True,
    plan=plan,
    reads=Reads.TEXT_LOGITS,
    make_head=make_head,
    is_labelled=True,
    results=(Label, list[Label]),
)
