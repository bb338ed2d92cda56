"""text-ranking: texts by how well they answer a query, best first, as a cross-encoder scores the pairs."""

from typing import Any

import numpy as np

from ..config import HandlerConfig, ScoreFunction
from ..parameters import Parameters, RankingParameters
from .reading import Head, Reading
from .scores import SCORE_FUNCTIONS


def make_ranking_head(_: Any, __: Any, config: HandlerConfig) -> Head:
    """The head: one logit for each text -> its index in the request and its score."""
    default = config.score_function or ScoreFunction.SIGMOID

    def head(reading: Reading, parameters: Parameters) -> list[dict[str, object]]:
        assert isinstance(parameters, RankingParameters)
        logits = np.array([row[0] for row in reading.rows], np.float64)
        scores = SCORE_FUNCTIONS[ScoreFunction(parameters.function_to_apply or default)](logits)
        order = np.argsort(-scores, kind="stable")[: parameters.top_k]
        return [{"index": int(index), "score": float(scores[index])} for index in order]

    return head
