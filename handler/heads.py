"""A row of numbers to what transformers.pipeline would give for it: one function per task, one table. numpy only."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .config import Task
from .payload import ClassificationParameters, Parameters, ScoreFunction

Row = npt.NDArray[np.float32]
Head = Callable[[Row, Parameters], object]

EMBEDDING_DECIMALS = 8  # float32 resolves 6e-8 at 1 and our own answers 1e-7; more decimals would double the bytes


def make_embedding_head(_: Any) -> Head:
    """embeddings: the pooled vector [H] as a list of floats."""

    def head(row: Row, _: Parameters) -> list[float]:
        values: list[float] = np.round(row.astype(np.float64), EMBEDDING_DECIMALS).tolist()
        return values

    return head


def make_classification_head(hf_config: Any) -> Head:
    """text-classification: logits [num_labels] -> the best label, or with top_k a list, best first."""
    labels = [hf_config.id2label[index] for index in range(hf_config.num_labels)]
    default = default_function(hf_config.problem_type, len(labels))

    def head(row: Row, parameters: Parameters) -> object:
        assert isinstance(parameters, ClassificationParameters)
        scores = SCORE_FUNCTIONS[parameters.function_to_apply or default](row.astype(np.float64))
        order = np.argsort(-scores, kind="stable")
        ranked = [{"label": labels[index], "score": float(scores[index])} for index in order]
        if isinstance(parameters.top_k, int | None):
            return ranked[: parameters.top_k]
        return ranked[0]

    return head


def default_function(problem_type: str | None, num_labels: int) -> ScoreFunction:
    """transformers' rule (pipelines/text_classification.py, postprocess)."""
    if problem_type == "regression":
        return ScoreFunction.NONE
    if problem_type == "multi_label_classification" or num_labels == 1:
        return ScoreFunction.SIGMOID
    return ScoreFunction.SOFTMAX


def softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Scores that sum to 1; the largest logit is taken off first, so that nothing overflows."""
    powers = np.exp(logits - logits.max())
    scores: npt.NDArray[np.float64] = powers / powers.sum()
    return scores


def sigmoid(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A score for each label on its own; in this form no logit overflows."""
    scores: npt.NDArray[np.float64] = 0.5 * (1.0 + np.tanh(0.5 * logits))
    return scores


def identity(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The logits themselves."""
    return logits


SCORE_FUNCTIONS = {
    ScoreFunction.SOFTMAX: softmax,
    ScoreFunction.SIGMOID: sigmoid,
    ScoreFunction.NONE: identity,
}
TASK_HEADS: dict[Task, Callable[[Any], Head]] = {
    Task.EMBEDDINGS: make_embedding_head,
    Task.TEXT_CLASSIFICATION: make_classification_head,
}
