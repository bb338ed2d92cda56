"""The sparse vector of a text: which of its words are given."""

from enum import StrEnum
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from ..sizes import MAX_WORDS
from ..vectors.sparse import SparseVector
from .kind import Row

MaxWords = Annotated[int, Meta(ge=1, le=MAX_WORDS)]
MinWeight = Annotated[float, Meta(ge=0)]


class WordKeys(StrEnum):
    """What the weights of a sparse vector are called by."""

    IDS = "ids"
    WORDS = "words"


def choose_words(weights: Row, num_words: int | None, min_weight: float, tokenizer: Any | None) -> SparseVector:
    """Weights [vocabulary] -> the num_words largest above min_weight, MAX_WORDS at the most.

    `tokenizer`: whose words are the keys; None for their ids.
    """
    ids = np.flatnonzero(weights > min_weight)
    chosen = ids[np.argsort(-weights[ids], kind="stable")[: min(num_words or MAX_WORDS, MAX_WORDS)]]
    write = None if tokenizer is None else tokenizer.convert_ids_to_tokens
    return SparseVector(ids=chosen, weights=weights[chosen], write=write)
