"""A sparse vector as it waits to be written: two arrays, for as objects a full answer's words would take gigabytes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .settings import Kind

Words = Callable[[Sequence[int]], Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SparseVector:
    """Words of the vocabulary and their weights, the largest first."""

    ids: npt.NDArray[np.int64]  # [K]
    weights: npt.NDArray[np.float32]  # [K]
    write: Words | None = None
    """Makes words of token ids. None: keys are the ids."""

    def to_json(self) -> dict[str, float]:
        """Return weights by key; in JSON a key is a string, a token's id too."""
        ids = self.ids.tolist()
        keys = map(str, ids) if self.write is None else self.write(ids)
        return dict(zip(keys, self.weights.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class SparseList:
    """The same as text-embeddings-inference writes it: a list in the order of the ids."""

    vector: SparseVector

    def to_json(self) -> list[dict[str, float]]:
        """Return an object for each word."""
        order = np.argsort(self.vector.ids)
        pairs = zip(self.vector.ids[order].tolist(), self.vector.weights[order].tolist(), strict=True)
        return [{"index": index, "value": value} for index, value in pairs]


def kind_of(value: object) -> Kind:
    """Tell which kind of vector a result is."""
    return Kind.SPARSE if isinstance(value, SparseVector) else Kind.DENSE
