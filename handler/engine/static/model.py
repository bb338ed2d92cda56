"""Static embeddings (model2vec, sentence-transformers' StaticEmbedding): rows of a table and their mean.

There is no attention and nothing to pad, so that one way serves every device and precision.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from safetensors.torch import load_file
from torch import nn

from ...config import HandlerConfig
from ...tasks.kind import Row
from ...text.encoded import EncodedText
from ...text.static import load_config
from ...text.tokenization import Tokenizer
from ...vectors.static import TABLE
from ..heads.adapters import Adapters
from ..packing import NUM_ROWS, PackedBatch, pack_texts
from ..placement import Placement

Numbers = npt.NDArray[np.int64]


class StaticModel:
    """A table of vectors on its device."""

    adapters: Adapters | None = None
    notes: Mapping[str, object] = MappingProxyType({})

    def __init__(self, folder: Path, config: HandlerConfig, placement: Placement, _: Tokenizer) -> None:
        table = load_file(folder / "model.safetensors")[TABLE].to(placement.device, placement.dtype)
        self.network: Any = nn.EmbeddingBag.from_pretrained(table, mode="mean", include_last_offset=True)
        self.network.config = settings = load_config(folder)
        self.vector_size = table.shape[1]
        self._placement, self._normalize = placement, config.normalize
        self._unknown: int | None = settings.unknown_id

    def batches(self, texts: Sequence[EncodedText], token_budget: int) -> Iterator[PackedBatch]:
        return pack_texts(texts, [text.num_tokens for text in texts], token_budget, 0)

    @torch.inference_mode()
    def forward(self, batch: PackedBatch) -> list[Row]:
        """Return the mean of the rows of each text's tokens [D]; zeros for a text that has none."""
        tokens, bounds = batch.buffer[: batch.num_tokens], batch.buffer[NUM_ROWS * batch.num_tokens :]
        if self._unknown is not None:
            tokens, bounds = leave_out(self._unknown, tokens, bounds)
        on_device = (torch.from_numpy(each).to(self._placement.device) for each in (tokens, bounds))
        means = self.network(*on_device).float()
        return list((F.normalize(means, dim=1) if self._normalize else means).cpu().numpy())


def leave_out(token: int, tokens: Numbers, bounds: Numbers) -> tuple[Numbers, Numbers]:
    """Take a token out of texts that are laid end to end [T], with their bounds [N + 1]."""
    is_kept = tokens != token
    return tokens[is_kept], np.concatenate([[0], np.cumsum(is_kept)])[bounds]
