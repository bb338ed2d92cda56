"""The sparse vector of a text: which of its words are given."""

from enum import StrEnum
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from ..sizes import MAX_WORDS
from ..text.encoded import Ids
from ..text.passages import Layout, Passages, TextPair
from ..vectors.late import QUERY
from ..vectors.settings import Vectors
from ..vectors.sparse import SparseVector
from .kind import Reading, Row

MaxWords = Annotated[int, Meta(ge=1, le=MAX_WORDS)]
Words = npt.NDArray[np.int64]
MinWeight = Annotated[float, Meta(ge=0)]


class WordKeys(StrEnum):
    """What the weights of a sparse vector are called by."""

    IDS = "ids"
    WORDS = "words"


def is_looked_up(prompt_name: str | None, vectors: Vectors) -> bool:
    """Tell whether a text with this prompt is a query whose words are looked up; any other is read as a document."""
    return prompt_name == QUERY and vectors.query_table is not None


def plan_query(text: str, vectors: Vectors) -> Passages:
    """Look a query up, of which only the beginning counts where it is too long."""
    return Passages(pairs=(TextPair(text=text, is_looked_up=True),), layout=Layout(max_tokens=vectors.query_tokens))


def words_of(reading: Reading) -> tuple[Words | None, Row]:
    """Return the words of a text and their weights [K]; of one that a model has read None and [vocabulary]."""
    (text,), (row,) = reading.texts, reading.rows
    return text.distinct if text.is_looked_up else None, row


def weigh_words(ids: Ids, weights: Row, tokenizer: Any) -> tuple[Words, Row]:
    """A text's token ids and their weights [T] -> its words [K] and the largest weight of each; special ones have none.

    bge-m3's way (FlagEmbedding's BGEM3FlagModel): without the tokens that begin, end and fill a text, or are unknown.
    """
    special = (tokenizer.cls_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id)
    is_word = ~np.isin(ids, [each for each in special if each is not None])
    words, places = np.unique(ids[is_word], return_inverse=True)
    largest = np.zeros(len(words), np.float32)
    np.maximum.at(largest, places, weights[is_word])
    return words.astype(np.int64), largest


def choose_words(
    weights: Row, num_words: int | None, min_weight: float, tokenizer: Any | None, words: Words | None = None
) -> SparseVector:
    """Weights [vocabulary], or of these words, -> the num_words largest above min_weight, MAX_WORDS at the most.

    `tokenizer`: whose words are the keys; None for their ids.
    """
    places = np.flatnonzero(weights > min_weight)
    chosen = places[np.argsort(-weights[places], kind="stable")[: min(num_words or MAX_WORDS, MAX_WORDS)]]
    ids = chosen if words is None else words[chosen]
    write = None if tokenizer is None else tokenizer.convert_ids_to_tokens
    return SparseVector(ids=ids, weights=weights[chosen], write=write)
