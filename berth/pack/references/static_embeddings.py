"""Static embeddings: what the tokenizers library and a table of rows give, without a model of transformers."""

import numpy as np
import numpy.typing as npt

from ...checkpoint_files import CONFIG, TOKENIZER, WEIGHTS, load_json
from ..checkpoint import Checkpoint
from .embeddings import with_prompt

TABLE, UNKNOWN = "embedding.weight", "unknown_id"
Table = npt.NDArray[np.float64]


class StaticReference:
    """A checkpoint's table and tokenizer, and what they answer."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        from safetensors.torch import load_file  # noqa: PLC0415 - seconds
        from tokenizers import Tokenizer  # noqa: PLC0415

        self._checkpoint = checkpoint
        self._tokenizer = Tokenizer.from_file(str(checkpoint.root / TOKENIZER))
        self._table: Table = load_file(checkpoint.root / WEIGHTS)[TABLE].double().numpy()
        self._unknown = load_json(checkpoint.root / CONFIG).get(UNKNOWN)

    def vector(self, item: str) -> list[float]:
        """The mean of the rows of a text's tokens, scaled where the checkpoint scales it; zeros without any."""
        ((text,),) = with_prompt(self._checkpoint, item)
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids[: self._checkpoint.max_tokens]
        rows = self._table[[each for each in ids if each != self._unknown]]
        mean = rows.mean(axis=0) if len(rows) else np.zeros(self._table.shape[1])
        length = float(np.linalg.norm(mean)) if self._checkpoint.normalize else 1.0
        numbers: list[float] = (mean / (length or 1.0)).tolist()
        return numbers
