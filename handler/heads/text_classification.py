"""text-classification: the best label of a text or pair, or several, best first."""

from typing import Any

import numpy as np

from ..config import ScoreFunction
from ..errors import InvalidParameter
from ..parameters import ClassificationParameters, Parameters
from ..wire import join_pointer, quote
from .reading import Head, Reading
from .scores import SCORE_FUNCTIONS, labels_of


def make_classification_head(hf_config: Any, *_: Any) -> Head:
    """The head: logits [num_labels] -> the best label, or with top_k or threshold a list."""
    labels = labels_of(hf_config)
    default = default_function(hf_config.problem_type, len(labels))

    def head(reading: Reading, parameters: Parameters) -> object:
        assert isinstance(parameters, ClassificationParameters)
        (row,) = reading.rows
        scores = SCORE_FUNCTIONS[parameters.function_to_apply or default](row.astype(np.float64))
        order = np.argsort(-scores, kind="stable")
        ranked = [{"label": labels[index], "score": float(scores[index])} for index in order]
        if parameters.threshold is not None:
            smallest = thresholds(parameters.threshold, labels)
            ranked = [item for item in ranked if item["score"] >= smallest[item["label"]]]
        elif not isinstance(parameters.top_k, int | None):
            return ranked[0]
        return ranked[: parameters.top_k] if isinstance(parameters.top_k, int) else ranked

    return head


def default_function(problem_type: str | None, num_labels: int) -> ScoreFunction:
    """transformers' rule (pipelines/text_classification.py, postprocess)."""
    if problem_type == "regression":
        return ScoreFunction.NONE
    if problem_type == "multi_label_classification" or num_labels == 1:
        return ScoreFunction.SIGMOID
    return ScoreFunction.SOFTMAX


def thresholds(wanted: float | dict[str, float], labels: list[str]) -> dict[str, float]:
    """The smallest score of each label; InvalidParameter for a label that the model does not have."""
    if not isinstance(wanted, dict):
        return dict.fromkeys(labels, wanted)
    for label in wanted:
        if label not in labels:
            raise InvalidParameter(
                f"threshold names the label {quote(label)}; this model has {', '.join(labels)}",
                join_pointer("/parameters/threshold", label),
            )
    return dict.fromkeys(labels, 0.0) | wanted
