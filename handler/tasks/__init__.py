"""The tasks: one file and one record each. No torch."""

from typing import Any

from ..config import HandlerConfig, Task
from .embeddings import EMBEDDINGS
from .fill_mask import FILL_MASK
from .kind import Reads, TaskKind
from .question_answering import QUESTION_ANSWERING
from .text_classification import TEXT_CLASSIFICATION
from .text_ranking import TEXT_RANKING
from .token_classification import TOKEN_CLASSIFICATION
from .zero_shot_classification import ZERO_SHOT_CLASSIFICATION
from .zero_shot_token_classification import ZERO_SHOT_TOKEN_CLASSIFICATION

TASKS: dict[Task, TaskKind[Any]] = {
    kind.task: kind
    for kind in (
        EMBEDDINGS,
        TEXT_CLASSIFICATION,
        TOKEN_CLASSIFICATION,
        QUESTION_ANSWERING,
        FILL_MASK,
        TEXT_RANKING,
        ZERO_SHOT_CLASSIFICATION,
        ZERO_SHOT_TOKEN_CLASSIFICATION,
    )
}


def reads_of(config: HandlerConfig) -> Reads:
    """What is read off a model's output: by its task, or by what its checkpoint makes or reads."""
    if config.candidates is not None:
        return Reads.CANDIDATE_LOGITS
    if config.vectors is None:
        return TASKS[config.task].reads
    if config.vectors.late is not None:
        return Reads.TOKEN_VECTORS
    return Reads.TEXT_AND_TOKENS if config.vectors.words is None else Reads.WORD_WEIGHTS
