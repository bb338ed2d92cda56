"""What is noted of each batch beside its answers: metrics and traces."""

import logging
from collections.abc import Sequence

from ..payload import Answer, Item, Response
from .metrics import Emitter, Stopwatch, count_batch
from .traces import Headers, open_traces

logger = logging.getLogger(__name__)


class Accounts:
    """One model's metrics, and its traces where they are asked for."""

    def __init__(self, name: str, version: str) -> None:
        """LoadError as `open_traces` has it."""
        self._traces = open_traces(name, version)
        self._metrics = Emitter(name, version)

    def stopwatch(self) -> Stopwatch:
        """Return a batch's stopwatch."""
        return self._traces.stopwatch()

    def note(
        self,
        stopwatch: Stopwatch,
        headers: Sequence[Headers],
        items: Sequence[Item],
        answers: Sequence[Answer | None],
        responses: Sequence[Response],
    ) -> None:
        """Note a batch whose answers are made. Never raises: an error here would take them from their clients."""
        try:
            self._metrics.emit(count_batch(items, answers, responses, stopwatch.seconds | stopwatch.counts))
            self._traces.end(stopwatch, headers, items, responses)
        except Exception:
            logger.exception("a batch was answered, and could not be counted or traced")
