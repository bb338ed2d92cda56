"""How many bytes the largest answer of each task takes, and a message of answers. Pure.

The launcher counts with it before anything heavy is imported, so it stands apart from the tasks' records, which load
numpy and tokenizers; a test compares the two.
"""

from .config import MAX_MASKS_PER_INPUT, MAX_TEXTS_PER_REQUEST, MAX_TOKENS_PER_REQUEST, Task
from .vectors.settings import Vectors

# All answers of a batch go to TorchServe's frontend in messages of about MESSAGE_BYTES, for it reads a message again
# for every 64 KiB that came (docs/decisions/doors.md has figures). It holds answers until they are sent, so they have a
# limit; so has the one message that cannot be divided (doors/send.py).
MESSAGE_BYTES = 2**20
MAX_ANSWER_BYTES_PER_BATCH = 64 * 2**20
MAX_ONLY_MESSAGE_BYTES = 20 * 2**20  # 64 lists of 64 vectors of 768 numbers in base64
SMALL_ANSWER_BYTES = 2**16  # one that is always sent: the deep check's, and whoever asks for little
BYTES_PER_NUMBER = 13  # of a vector of length 1 in JSON: 12.2 of 384 numbers, 12.7 of 4096
SLICE_NUMBERS = 2**23  # logits of a vocabulary that a thread has in memory at once, to make sparse vectors of them
MAX_WORDS = 4096  # of a sparse vector; trained models give some tens for a query, some hundreds for a text
WORD_BYTES = 32  # "30521":1.2345678806304932, of a sparse vector in JSON
MAX_TOKEN_VECTORS_PER_REQUEST = 2048  # of 1,024 numbers each 8 MiB until they are written, and 11 MB in base64
MAX_SPAN_SCORES_PER_INPUT = 2**24  # one for each span of words and type of entity: 64 MiB until entities are chosen
OBJECT_BYTES = 64  # {"label": "...", "score": ...} in JSON
KEEPS_PLACES = frozenset({Task.TOKEN_CLASSIFICATION, Task.QUESTION_ANSWERING, Task.ZERO_SHOT_TOKEN_CLASSIFICATION})
"""Tasks whose head asks where in the text a token stands."""
ANSWERS_VECTORS = frozenset({Task.EMBEDDINGS})


def most_token_vectors(vectors: Vectors | None) -> int:
    """Return how many vectors of tokens a request may get; one document of late interaction is never too long."""
    late = None if vectors is None else vectors.late
    return max(MAX_TOKEN_VECTORS_PER_REQUEST, 0 if late is None else late.longest)


def largest_answer(task: Task, *, vector_size: int, num_labels: int, num_words: int = 0, token_numbers: int = 0) -> int:
    """Return the JSON bytes of the largest answer to one request; one small object for each text, unless named here.

    `num_words`: of the vocabulary, where the model makes sparse vectors of it; `token_numbers`: said of all tokens,
    or of the labels among them.
    """
    match task:
        case Task.EMBEDDINGS:
            words = MAX_TEXTS_PER_REQUEST * min(num_words, MAX_WORDS)
            numbers = 0 if num_words else MAX_TEXTS_PER_REQUEST * vector_size
            if token_numbers:  # all kinds at once
                words, numbers = MAX_TOKENS_PER_REQUEST, numbers + token_numbers
            return words * WORD_BYTES + numbers * BYTES_PER_NUMBER
        case Task.TEXT_CLASSIFICATION:
            return MAX_TEXTS_PER_REQUEST * num_labels * OBJECT_BYTES
        case Task.TOKEN_CLASSIFICATION | Task.ZERO_SHOT_TOKEN_CLASSIFICATION:  # of the latter at most one for a token
            return MAX_TOKENS_PER_REQUEST * OBJECT_BYTES
        case Task.FILL_MASK:
            return MAX_TEXTS_PER_REQUEST * MAX_MASKS_PER_INPUT * OBJECT_BYTES
        case Task.ZERO_SHOT_CLASSIFICATION:
            return max(MAX_TEXTS_PER_REQUEST, token_numbers) * OBJECT_BYTES
        case _:
            return MAX_TEXTS_PER_REQUEST * OBJECT_BYTES
