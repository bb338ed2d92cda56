"""embeddings: the pooled vector, as an array until it is written: a list of floats takes four times as much."""

from typing import Any

import numpy as np

from ..errors import InvalidParameter
from ..parameters import EmbeddingParameters, Parameters
from .reading import Head, Reading
from .scores import Numbers

DECIMALS = 8  # float32 resolves 6e-8 at 1 and our own answers 1e-7; more decimals would double the bytes


def make_embedding_head(*_: Any) -> Head:
    """The head: [H], or fewer dimensions of it at length 1."""

    def head(reading: Reading, parameters: Parameters) -> Numbers:
        assert isinstance(parameters, EmbeddingParameters)
        (row,) = reading.rows
        vector = row.astype(np.float64)
        if parameters.dimensions is not None:
            vector = shorten(vector, parameters.dimensions)
        return np.round(vector, DECIMALS)

    return head


def shorten(vector: Any, dimensions: int) -> Any:
    """The first `dimensions` values, scaled to length 1; for models that were trained to be cut (Matryoshka)."""
    if dimensions > len(vector):
        raise InvalidParameter(
            f"dimensions is {dimensions}; this model's vectors have {len(vector)}", "/parameters/dimensions"
        )
    cut = vector[:dimensions]
    return cut / max(np.linalg.norm(cut), np.finfo(np.float32).tiny)
