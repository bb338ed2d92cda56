"""A packed model that runs its recorded passes, and Python only for a batch that none of them holds."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from ...tasks.kind import Row
from ...text.encoded import EncodedText
from ..model import PackedModel
from ..packing import PackedBatch
from .static_pass import StaticPass


class GraphedModel:
    """The model that the rest of the handler sees (handler.engine.model.Model)."""

    def __init__(self, packed: PackedModel, passes: Sequence[StaticPass], note: str) -> None:
        """`passes`: smallest first; `note`: what to say of them."""
        self._packed = packed
        self._passes = passes
        self.network: Any = packed.network
        self.vector_size = packed.vector_size
        self.adapters = packed.adapters
        self.notes: Mapping[str, object] = {"graphs": note}

    def batches(self, texts: Sequence[EncodedText], token_budget: int) -> Iterator[PackedBatch]:
        return self._packed.batches(texts, token_budget)

    @torch.inference_mode()
    def forward(self, batch: PackedBatch) -> list[Row]:
        recorded = self._choose(batch)
        return recorded.run(batch) if recorded else self._packed.forward(batch)

    def _choose(self, batch: PackedBatch) -> StaticPass | None:
        size = batch.num_tokens, self._packed.readout.slots(batch.texts), max(batch.lengths)
        return next((each for each in self._passes if each.bucket.holds(*size)), None)
