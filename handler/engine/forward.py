"""Texts to rows of numbers, in as many forward passes as memory allows. It knows neither requests nor answers."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence

import torch

from ..errors import OutOfMemory, RequestError
from ..tasks.kind import Row
from ..text.encoded import EncodedText
from ..worker.metrics import FORWARD_SECONDS, OUT_OF_MEMORY_TOTAL, Stopwatch
from .device_errors import as_request_error, free_cache
from .model import Batch, Model
from .token_budget import TokenBudget

logger = logging.getLogger(__name__)


class Forward:
    """A model's forward passes."""

    def __init__(self, model: Model, device: torch.device, token_budget: int) -> None:
        self._model = model
        self._device = device
        self._budget = TokenBudget(token_budget)

    @property
    def token_budget(self) -> int:
        """Most tokens of a forward pass that begins now."""
        return self._budget.at(time.monotonic())

    def rows(
        self, texts: Sequence[EncodedText], deadline_s: float, stopwatch: Stopwatch
    ) -> Iterator[tuple[int, Row | RequestError]]:
        """Yield each text's index with its row, or with the error of its own forward pass.

        Where memory runs out, all texts that are left are packed again under a smaller budget; OutOfMemory is the
        error of a text that does not fit alone. What has not begun by deadline_s (time.monotonic) is left out.
        """
        waiting = dict(enumerate(texts))
        batches = self._pack(waiting)
        while waiting and time.monotonic() <= deadline_s:
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
            each: Sequence[Row | RequestError] = [rows] * len(indices) if isinstance(rows, RequestError) else rows
            for index, row in zip(indices, each, strict=True):
                del waiting[index]
                yield index, row

    def _pack(self, texts: Mapping[int, EncodedText]) -> Iterator[tuple[list[int], Batch]]:
        """Yield the texts in batches of the budget as it is now, each with the keys of its texts."""
        keys = list(texts)
        for batch in self._model.batches(list(texts.values()), self.token_budget):
            yield [keys[index] for index in batch.indices], batch

    def _run(self, batch: Batch) -> list[Row] | RequestError:
        """Run one batch. An error is a value from here on: an exception would keep its frames' tensors alive."""
        try:
            return self._model.forward(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, neighbours in other batches get their answers
            return as_request_error(error, self._device)

    def _shrink(self, batch: Batch) -> None:
        self._budget.shrink(batch.cost, time.monotonic())
        logger.warning("token_budget=%d num_texts=%d: packed again", self.token_budget, len(batch.indices))
