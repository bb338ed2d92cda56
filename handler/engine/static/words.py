"""Queries without a forward pass (sentence-transformers' SparseStaticEmbedding): each word weighs what a table says."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.torch import load_file

from ...tasks.kind import Row
from ...text.encoded import EncodedText
from ...vectors.settings import Vectors
from ...vectors.static import WEIGHT


class WordTable:
    """A weight for each token of the vocabulary."""

    def __init__(self, file: Path) -> None:
        """`file`: safetensors with WEIGHT [vocabulary], of any precision; it is held in float32."""
        self._weights: npt.NDArray[np.float32] = load_file(file)[WEIGHT].float().numpy()

    def weigh(self, text: EncodedText) -> Row:
        """Return the weights of a text's words, `text.distinct` [K]: how often one is there does not count."""
        return self._weights[text.distinct]


def load_table(folder: Path, vectors: Vectors | None) -> WordTable | None:
    """Load the table of the checkpoint in `folder`; None where it has none."""
    if vectors is None or vectors.query_table is None:
        return None
    return WordTable(folder / vectors.query_table / "model.safetensors")
