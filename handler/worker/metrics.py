"""Every metric that this worker emits, named once, and what one batch adds to each.

berth/serve/metrics.yaml declares the same to TorchServe, whose frontend drops in silence what is not declared there.
"""

import logging
import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from .. import errors
from ..payload import Answer, Answered, Item, Rejected, Request, Response

logger = logging.getLogger(__name__)

MODEL_LABELS = ("model_name", "model_version")  # of every metric, behind its own labels; TorchServe adds Hostname


class Kind(StrEnum):
    """What a metric's samples become; TorchServe's names."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Metric:
    """One metric, as it is declared and documented. There is one of each, and by that it is known."""

    name: str
    kind: Kind
    unit: str
    """Only for the help text: the name has the unit too."""
    meaning: str
    labels: tuple[str, ...] = ()

    @property
    def declared_unit(self) -> str:
        """What is declared as its unit, which TorchServe puts at the end of its own HELP text and nowhere else."""
        return f"{self.unit}: {self.meaning}"


REQUEST_SECONDS = Metric(
    name="berth_request_seconds",
    kind=Kind.HISTOGRAM,
    unit="Seconds",
    meaning="a batch's time in the handler, from its arrival to its answers: what each of its requests waited there",
)
TOKENIZE_SECONDS = Metric(
    name="berth_tokenize_seconds",
    kind=Kind.HISTOGRAM,
    unit="Seconds",
    meaning="of a batch's time, making tokens of its texts",
)
FORWARD_SECONDS = Metric(
    name="berth_forward_seconds",
    kind=Kind.HISTOGRAM,
    unit="Seconds",
    meaning="of a batch's time, the model's forward passes, with the copies to and from the device",
)
REQUESTS_TOTAL = Metric(
    name="berth_requests_total",
    kind=Kind.COUNTER,
    unit="Count",
    meaning="users' requests that were answered, errors included",
)
TOKENS_TOTAL = Metric(
    name="berth_tokens_total",
    kind=Kind.COUNTER,
    unit="Count",
    meaning="tokens that the model saw for the requests that it answered, special tokens included",
)
BATCHES_TOTAL = Metric(
    name="berth_batches_total",
    kind=Kind.COUNTER,
    unit="Count",
    meaning="batches with at least one user's request",
)
ERRORS_TOTAL = Metric(
    name="berth_errors_total",
    kind=Kind.COUNTER,
    unit="Count",
    meaning="requests that were answered with an error, over REST or gRPC, by the error's code",
    labels=("code",),
)
OUT_OF_MEMORY_TOTAL = Metric(
    name="berth_out_of_memory_total",
    kind=Kind.COUNTER,
    unit="Count",
    meaning="forward passes for which memory ran out: texts are tried again in smaller ones, one alone gets 507",
)
TRUNCATED_TOTAL = Metric(
    name="berth_truncated_inputs_total",
    kind=Kind.COUNTER,
    unit="Count",
    meaning="inputs that were answered after something of them was cut",
)
METRICS = (
    REQUEST_SECONDS,
    TOKENIZE_SECONDS,
    FORWARD_SECONDS,
    REQUESTS_TOTAL,
    TOKENS_TOTAL,
    BATCHES_TOTAL,
    ERRORS_TOTAL,
    OUT_OF_MEMORY_TOTAL,
    TRUNCATED_TOTAL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What is added to a counter, or one observation of a histogram."""

    metric: Metric
    value: float
    labels: tuple[str, ...] = ()
    """Values of the metric's own labels, in their order."""


ERROR_CODES = sorted(
    {
        str(kind.status)
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.RequestError)
    }
    | {str(errors.OTHER_TASK_STATUS)}
)
# A counter that begins with 0 shows its first increase; one that begins with its first sample hides it.
FIRST_SAMPLES = (
    *(
        Sample(metric=metric, value=0)
        for metric in (REQUESTS_TOTAL, TOKENS_TOTAL, BATCHES_TOTAL, OUT_OF_MEMORY_TOTAL, TRUNCATED_TOTAL)
    ),
    *(Sample(metric=ERRORS_TOTAL, value=0, labels=(code,)) for code in ERROR_CODES),
)


class Emitter:
    """Writes one model's samples as TorchServe's frontend reads them off a worker's output.

    As `ts.metrics.caching_metric` does, but for a whole batch at once: that one writes, and flushes, line by line.
    """

    def __init__(self, name: str, version: str) -> None:
        self._model = (name, version)
        self._host = socket.gethostname()
        self._ends: dict[tuple[Metric, tuple[str, ...]], str] = {}
        self.emit(FIRST_SAMPLES)

    def emit(self, samples: Iterable[Sample]) -> None:
        """Add each sample to its metric."""
        lines = [f"[METRICS]{each.metric.name}.{each.metric.unit}:{each.value}|#{self._end(each)}" for each in samples]
        if lines:
            now_s = int(time.time())
            logger.info("\n".join(f"{line},{now_s}" for line in lines))

    def _end(self, sample: Sample) -> str:
        """What follows a sample's value, but for the time: its labels, its kind and where it comes from."""
        key = (sample.metric, sample.labels)
        if key not in self._ends:
            names = (*sample.metric.labels, *MODEL_LABELS)
            labels = ",".join(map(":".join, zip(names, (*sample.labels, *self._model), strict=True)))
            self._ends[key] = f"{labels}|#type:{sample.metric.kind.upper()}|#hostname:{self._host}"
        return self._ends[key]


class Stopwatch:
    """How long one batch spent on each thing that is measured, in one sum, and how often what is counted happened."""

    def __init__(self) -> None:
        self.seconds: dict[Metric, float] = {}
        self.counts: dict[Metric, float] = {}

    @contextmanager
    def measure(self, metric: Metric) -> Iterator[None]:
        """Add the time inside the `with` to the metric."""
        started_s = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[metric] = self.seconds.get(metric, 0.0) + time.perf_counter() - started_s

    def count(self, metric: Metric) -> None:
        """Add 1 to the metric."""
        self.counts[metric] = self.counts.get(metric, 0) + 1


def count_batch(
    items: Sequence[Item],
    answers: Sequence[Answer | None],
    responses: Sequence[Response],
    measured: Mapping[Metric, float],
) -> list[Sample]:
    """One batch's samples; none without a user's request, so that health checks leave no trace.

    They are few: each is a line that TorchServe's worker prints and its frontend parses.
    """
    users = [
        (answer, response)
        for item, answer, response in zip(items, answers, responses, strict=True)
        if isinstance(item, Request | Rejected) or (isinstance(item, Answered) and item.is_users)
    ]
    if not users:
        return []
    predictions = [prediction for answer, _ in users if isinstance(answer, list) for prediction in answer]
    tokens = sum(prediction.num_tokens for prediction in predictions)
    cut = sum(prediction.is_truncated for prediction in predictions)
    codes = Counter(str(response.status) for _, response in users if response.status >= 400)
    values = {**measured, REQUESTS_TOTAL: len(users), TOKENS_TOTAL: tokens, BATCHES_TOTAL: 1}
    values |= {TRUNCATED_TOTAL: cut} if cut else {}
    return [
        *(Sample(metric=metric, value=value) for metric, value in values.items()),
        *(Sample(metric=ERRORS_TOTAL, value=count, labels=(code,)) for code, count in codes.items()),
    ]
