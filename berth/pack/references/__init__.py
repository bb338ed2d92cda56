"""What each task is to the packer, and what plain transformers answers for it: a file per task, and this table.

Nothing here shares code with the handler, or its answers would prove nothing; and reading the table imports neither
torch nor transformers, for a checkpoint can be refused without them.
"""

from collections.abc import Mapping

from handler.config import Task

from ..checkpoint import Checkpoint
from .embeddings import EMBEDDINGS
from .fill_mask import FILL_MASK
from .known_texts import TEXTS
from .late import late_reference
from .question_answering import QUESTION_ANSWERING
from .reference import Reference
from .sparse_embeddings import sparse_reference
from .text_classification import TEXT_CLASSIFICATION
from .text_ranking import TEXT_RANKING
from .token_classification import TOKEN_CLASSIFICATION
from .token_embeddings import of_tokens
from .zero_shot_classification import CANDIDATES, ZERO_SHOT_CLASSIFICATION
from .zero_shot_token_classification import ZERO_SHOT_TOKEN_CLASSIFICATION

REFERENCES: Mapping[Task, Reference] = {
    Task.EMBEDDINGS: EMBEDDINGS,
    Task.TEXT_CLASSIFICATION: TEXT_CLASSIFICATION,
    Task.TOKEN_CLASSIFICATION: TOKEN_CLASSIFICATION,
    Task.QUESTION_ANSWERING: QUESTION_ANSWERING,
    Task.FILL_MASK: FILL_MASK,
    Task.TEXT_RANKING: TEXT_RANKING,
    Task.ZERO_SHOT_CLASSIFICATION: ZERO_SHOT_CLASSIFICATION,
    Task.ZERO_SHOT_TOKEN_CLASSIFICATION: ZERO_SHOT_TOKEN_CLASSIFICATION,
}


def reference_of(checkpoint: Checkpoint) -> Reference:
    """The record of the checkpoint's task, and of the vectors that it makes."""
    if checkpoint.candidates is not None:
        return CANDIDATES
    if checkpoint.vectors is None:
        return REFERENCES[checkpoint.task]
    if checkpoint.vectors.late:
        return late_reference(checkpoint)
    return sparse_reference(checkpoint) if checkpoint.vectors.words else of_tokens(checkpoint)


def count_inputs(checkpoint: Checkpoint) -> int:
    """How many known inputs the checkpoint's task has, those behind other prompts counted."""
    reference = reference_of(checkpoint)
    return len(reference.inputs(checkpoint, "any mask", TEXTS)) * (1 + len(reference.prompted))
