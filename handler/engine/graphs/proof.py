"""What a recorded pass must give: the rows that the model gives without recordings, at the pass's full size."""

import math
from collections.abc import Sequence
from itertools import cycle

import numpy as np

from ...tasks.kind import Row
from ...text.encoded import EncodedText
from ..model import PackedModel
from ..packing import PackedBatch
from .buckets import Bucket
from .static_pass import StaticPass


class Proof:
    """The known texts, whose answers were compared with the known answers before, and their rows."""

    def __init__(self, model: PackedModel, texts: Sequence[EncodedText]) -> None:
        self._model = model
        self._texts = texts
        self._rows = [model.forward(self._pack([text]))[0] for text in texts]
        self._slots = [model.readout.slots([text]) for text in texts]

    def fill(self, bucket: Bucket) -> list[int]:
        """Return the places of texts that fill the bucket, in turn and as often as they fit; none where none does."""
        lengths = [text.num_tokens for text in self._texts]
        sizes = zip(lengths, self._slots, lengths, strict=True)
        fitting = [place for place, size in enumerate(sizes) if bucket.holds(*size)]
        chosen: list[int] = []
        tokens = slots = 0
        for place in cycle(fitting):
            tokens, slots = tokens + lengths[place], slots + self._slots[place]
            if not bucket.holds(tokens, slots, lengths[place]):
                break
            chosen.append(place)
        return chosen

    def largest_difference(self, recorded: StaticPass, places: Sequence[int]) -> float:
        """Return the largest distance of a row from the text's own, over that one's length or 1, in a filled pass."""
        rows = recorded.run(self._pack([self._texts[place] for place in places]))
        return max(_distance(row, self._rows[place]) for row, place in zip(rows, places, strict=True))

    def _pack(self, texts: Sequence[EncodedText]) -> PackedBatch:
        (batch,) = self._model.batches(texts, sum(map(self._model.readout.cost, texts)))
        return batch


def _distance(row: Row, known: Row) -> float:
    """As handler.known_answers measures it: infinite where it is no number, for max() passes over NaN."""
    distance = float(np.linalg.norm(row - known))
    return distance / max(1.0, float(np.linalg.norm(known))) if math.isfinite(distance) else math.inf
