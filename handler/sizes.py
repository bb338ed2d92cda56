"""How many bytes the largest answer of each task takes. Pure.

The launcher counts with it before anything heavy is imported, so it stands apart from the tasks' records, which load
numpy and tokenizers; a test compares the two.
"""

from .config import (
    BYTES_PER_NUMBER,
    MAX_MASKS_PER_INPUT,
    MAX_TEXTS_PER_REQUEST,
    MAX_TOKENS_PER_REQUEST,
    Task,
)

SLICE_NUMBERS = 2**24  # logits of a vocabulary that lie in memory at once, where sparse vectors are made of them
MAX_WORDS = 4096  # of a sparse vector; trained models give some tens for a query, some hundreds for a text
WORD_BYTES = 32  # "30521":1.2345678806304932, of a sparse vector in JSON
OBJECT_BYTES = 64  # {"label": "...", "score": ...} in JSON
KEEPS_PLACES = frozenset({Task.TOKEN_CLASSIFICATION, Task.QUESTION_ANSWERING})
"""Tasks whose head asks where in the text a token stands."""
ANSWERS_VECTORS = frozenset({Task.EMBEDDINGS})


def largest_answer(task: Task, *, vector_size: int, num_labels: int, num_words: int = 0) -> int:
    """Return the JSON bytes of the largest answer to one request; one small object for each text, unless named here.

    `num_words`: of the vocabulary, where the model makes sparse vectors.
    """
    match task:
        case Task.EMBEDDINGS if num_words:
            return MAX_TEXTS_PER_REQUEST * min(num_words, MAX_WORDS) * WORD_BYTES
        case Task.EMBEDDINGS:
            return MAX_TEXTS_PER_REQUEST * vector_size * BYTES_PER_NUMBER
        case Task.TEXT_CLASSIFICATION:
            return MAX_TEXTS_PER_REQUEST * num_labels * OBJECT_BYTES
        case Task.TOKEN_CLASSIFICATION:
            return MAX_TOKENS_PER_REQUEST * OBJECT_BYTES
        case Task.FILL_MASK:
            return MAX_TEXTS_PER_REQUEST * MAX_MASKS_PER_INPUT * OBJECT_BYTES
        case _:
            return MAX_TEXTS_PER_REQUEST * OBJECT_BYTES
