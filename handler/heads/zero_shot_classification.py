"""zero-shot-classification: labels by how far the text entails what is claimed of it by each."""

from typing import Any

import numpy as np

from ..parameters import Parameters, ZeroShotParameters
from .reading import Head, Reading
from .scores import labels_of, softmax


def make_zero_shot_head(hf_config: Any, *_: Any) -> Head:
    """The head: NLI logits [labels, 3] -> the text, its labels and their scores, best first."""
    names = [label.lower() for label in labels_of(hf_config)]
    entailment = next(index for index, name in enumerate(names) if name.startswith("entail"))
    # transformers' rule, which takes the first other label to be the contradiction, or the last (zero_shot_...py).
    contradiction = -1 if entailment == 0 else 0

    def head(reading: Reading, parameters: Parameters) -> dict[str, object]:
        assert isinstance(parameters, ZeroShotParameters)
        logits = np.stack(reading.rows).astype(np.float64)
        if parameters.multi_label or len(logits) == 1:
            scores = softmax(logits[:, [contradiction, entailment]])[:, 1]
        else:
            scores = softmax(logits[:, entailment])
        order = np.argsort(scores)[::-1]
        labels = parameters.labels
        return {
            "sequence": reading.source.text,
            "labels": [labels[index] for index in order],
            "scores": scores[order].tolist(),
        }

    return head
