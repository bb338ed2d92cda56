"""A sparse vector as it waits to be written: two arrays, for as objects a full answer's words would take gigabytes."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from .settings import Kind

Words = Callable[[Sequence[int]], Sequence[str | None]]


class SparseVector:
    """Words of the vocabulary and their weights, the largest first. No dataclass: msgspec would write its fields."""

    __slots__ = ("ids", "weights", "write")

    def __init__(
        self, ids: npt.NDArray[np.int64], weights: npt.NDArray[np.float32], write: Words | None = None
    ) -> None:
        """Ids and weights [K]; `write` makes words of ids, and without it the keys are the ids."""
        self.ids, self.weights, self.write = ids, weights, write

    def to_json(self) -> dict[str, float]:
        """Return weights by key; in JSON a key is a string, a token's id too.

        A model's matrix may have more rows than its tokenizer has words: what has no name is called by its id.
        """
        ids = self.ids.tolist()
        words = ids if self.write is None else self.write(ids)
        keys = [str(each if word is None else word) for each, word in zip(ids, words, strict=True)]
        return dict(zip(keys, self.weights.tolist(), strict=True))


class SparseList:
    """The same as text-embeddings-inference writes it: a list in the order of the ids."""

    __slots__ = ("vector",)

    def __init__(self, vector: SparseVector) -> None:
        """`vector`: what is written so."""
        self.vector = vector

    def to_json(self) -> list[dict[str, float]]:
        """Return an object for each word."""
        order = np.argsort(self.vector.ids)
        pairs = zip(self.vector.ids[order].tolist(), self.vector.weights[order].tolist(), strict=True)
        return [{"index": index, "value": value} for index, value in pairs]


def kind_of(value: object) -> Kind | None:
    """Tell which kind of vector a result is; None for an object of several."""
    if isinstance(value, dict):
        return None
    if isinstance(value, np.ndarray) and value.ndim > 1:
        return Kind.MULTI_VECTOR
    return Kind.SPARSE if isinstance(value, SparseVector) else Kind.DENSE
