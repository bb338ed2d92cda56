"""Logits to scores."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..config import ScoreFunction

Numbers = npt.NDArray[np.float64]


def softmax(logits: Numbers) -> Numbers:
    """Scores that sum to 1 over the last axis; the largest logit is taken off first, so that nothing overflows."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    scores: Numbers = powers / powers.sum(-1, keepdims=True)
    return scores


def sigmoid(logits: Numbers) -> Numbers:
    """A score for each label on its own; in this form no logit overflows."""
    scores: Numbers = 0.5 * (1.0 + np.tanh(0.5 * logits))
    return scores


def identity(logits: Numbers) -> Numbers:
    """The logits themselves."""
    return logits


SCORE_FUNCTIONS = {
    ScoreFunction.SOFTMAX: softmax,
    ScoreFunction.SIGMOID: sigmoid,
    ScoreFunction.NONE: identity,
}


def labels_of(hf_config: Any) -> list[str]:
    """The labels of a checkpoint's config, in the order of its logits; texts, also where it has numbers."""
    return [str(hf_config.id2label[index]) for index in range(hf_config.num_labels)]
