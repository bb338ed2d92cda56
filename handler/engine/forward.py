"""Texts to rows of numbers, in as many forward passes as memory allows. It knows neither requests nor answers."""

import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import numpy as np

from ..errors import OutOfMemory, RequestError
from ..tasks.kind import Row
from ..text.encoded import EncodedText
from ..worker.metrics import FORWARD_SECONDS, OUT_OF_MEMORY_TOTAL, Stopwatch
from .device_errors import as_request_error, free_cache
from .lone.openvino_pass import LonePass
from .model import Batch, Model
from .placement import Placement
from .threads import CpuPasses
from .token_budget import TokenBudget

logger = logging.getLogger(__name__)

WIDE = 8192  # numbers of a row: more than a vector has, and fewer than a vocabulary
HALVING_LIMIT_S = 5.0  # of one batch: a model that fails on every text is not tried on each of them for long


class Forward:
    """A model's forward passes."""

    def __init__(self, model: Model, placement: Placement, lone: LonePass | None = None) -> None:
        self._model = model
        self._device = placement.device
        self._budget = TokenBudget(placement.token_budget)
        self._passes = CpuPasses(model, placement, lone) if placement.device.type == "cpu" else model

    @property
    def token_budget(self) -> int:
        """Most tokens of a forward pass that begins now."""
        return self._budget.at(time.monotonic())

    def rows(
        self, texts: Sequence[EncodedText], deadlines_s: Sequence[float], stopwatch: Stopwatch, *, halves: bool = True
    ) -> Iterator[tuple[list[int], list[Row] | RequestError]]:
        """Yield for each forward pass the indices of its texts with their rows, or with the error that they share.

        Where memory runs out, all texts that are left are packed again under a smaller budget; OutOfMemory is the
        error of a text that does not fit alone. A batch that fails otherwise is tried again in halves, for up to
        HALVING_LIMIT_S, until the text that it fails on stands alone; not so without `halves`, where it is the engine
        that is tried. A text that has not begun by its deadline (time.monotonic) is left out.
        """
        waiting = dict(enumerate(texts))
        batches = self._pack(waiting)
        halved_until_s: float | None = None
        soonest_s = min(deadlines_s, default=math.inf)
        while waiting:
            if (now_s := time.monotonic()) > soonest_s:
                waiting = {index: text for index, text in waiting.items() if deadlines_s[index] >= now_s}
                soonest_s = min((deadlines_s[index] for index in waiting), default=math.inf)
                batches = self._pack(waiting)
                continue
            indices, batch = next(batches)
            with stopwatch.measure(FORWARD_SECONDS):
                rows = self._run(batch)
            if isinstance(rows, OutOfMemory):
                stopwatch.count(OUT_OF_MEMORY_TOTAL)
                free_cache(self._device)
                if len(indices) > 1:
                    self._shrink(batch)
                    batches = self._pack(waiting)
                    continue
            elif isinstance(rows, RequestError) and halves and len(indices) > 1:
                halved_until_s = halved_until_s or time.monotonic() + HALVING_LIMIT_S
                if time.monotonic() < halved_until_s:
                    batches = chain(self._pack_halves(waiting, indices), batches)
                    continue
            for index in indices:
                del waiting[index]
            yield indices, rows

    def _pack(self, texts: Mapping[int, EncodedText]) -> Iterator[tuple[list[int], Batch]]:
        """Yield the texts in batches of the budget as it is now, each with the keys of its texts."""
        keys = list(texts)
        for batch in self._model.batches(list(texts.values()), self.token_budget):
            yield [keys[index] for index in batch.indices], batch

    def _pack_halves(
        self, texts: Mapping[int, EncodedText], indices: Sequence[int]
    ) -> Iterator[tuple[list[int], Batch]]:
        middle = len(indices) // 2
        for half in (indices[:middle], indices[middle:]):
            yield from self._pack({index: texts[index] for index in half})

    def _run(self, batch: Batch) -> list[Row] | RequestError:
        """Run one batch. An error is a value from here on: an exception would keep its frames' tensors alive."""
        try:
            return self._passes.forward(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, neighbours in other batches get their answers
            return as_request_error(error, self._device, len(batch.indices))

    def _shrink(self, batch: Batch) -> None:
        self._budget.shrink(batch.cost, time.monotonic())
        logger.warning("token_budget=%d num_texts=%d: packed again", self.token_budget, len(batch.indices))


def are_finite(rows: Sequence[Row]) -> list[bool]:
    """Tell which of the rows of a forward pass [width], or [T, width] each, hold nothing but finite numbers."""
    is_uneven = len({row.shape for row in rows}) > 1
    if is_uneven or rows[0].ndim > 1 or len(rows[0]) > WIDE:  # those of whole vocabularies are not laid together
        return [bool(np.isfinite(row).all()) for row in rows]
    is_finite = np.isfinite(np.concatenate(rows)).reshape(len(rows), -1)
    each: list[bool] = np.logical_and.reduce(is_finite, -1).tolist()
    return each
