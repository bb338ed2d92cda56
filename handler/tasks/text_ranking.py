"""text-ranking: texts by how well they answer a query, best first, as a cross-encoder scores the pairs.

A checkpoint for late interaction scores them by the vectors of their tokens (late.py).
"""

from enum import StrEnum
from typing import Any

import msgspec
import numpy as np

from ..config import HandlerConfig, ScoreFunction, Task
from ..inputs import RankingObject, TextInput
from ..parameters import Count, CutParameters
from ..text.passages import Layout, Passages, TextPair
from .kind import Head, Reading, Reads, TaskKind, one_by_one
from .late import late_of, max_sim, plan_ranking
from .scores import SCORE_FUNCTIONS


class RankingFunction(StrEnum):
    """What turns a logit into the one score of a text."""

    SIGMOID = ScoreFunction.SIGMOID
    NONE = ScoreFunction.NONE


class RankingParameters(CutParameters, frozen=True, kw_only=True):
    """text-ranking: sentence-transformers' CrossEncoder.rank."""

    top_k: Count | None = None
    """How many of the texts to return. Absent: all."""
    function_to_apply: RankingFunction | None = None
    """Absent: what the checkpoint says, else sigmoid."""


class RankedText(msgspec.Struct, kw_only=True):
    """One of the texts, by its place among them."""

    index: int
    score: float


def plan(source: TextInput, _: RankingParameters, config: HandlerConfig) -> Passages:
    """Read the query with each of the texts; or, for late interaction, each of them alone."""
    if (late := late_of(config)) is not None:
        return plan_ranking(source, config, late)
    pairs = tuple(TextPair(text=source.text, text_pair=text) for text in source.texts)
    return Passages(pairs=pairs, layout=Layout(max_tokens=config.max_tokens))


def make_head(_: Any, __: Any, config: HandlerConfig) -> Head[RankingParameters]:
    """Make the head: one number for each text -> its index in the request and its score, best first."""
    default, late = config.score_function or ScoreFunction.SIGMOID, late_of(config)

    @one_by_one
    def head(reading: Reading, parameters: RankingParameters) -> list[dict[str, object]]:
        numbers = np.concatenate(reading.rows) if late is None else max_sim(reading, late)
        logits = numbers.astype(np.float64)
        scores = SCORE_FUNCTIONS[ScoreFunction(parameters.function_to_apply or default)](logits)
        order = np.argsort(-logits, kind="stable")[: parameters.top_k]  # of large ones the scores are all 1
        best = zip(order.tolist(), scores[order].tolist(), strict=True)
        return [{"index": index, "score": score} for index, score in best]

    return head


TEXT_RANKING = TaskKind(
    task=Task.TEXT_RANKING,
    input_object=RankingObject,
    takes_string=False,
    parameters=RankingParameters,
    plan=plan,
    reads=Reads.TEXT_LOGITS,
    make_head=make_head,
    results=(list[RankedText],),
)
