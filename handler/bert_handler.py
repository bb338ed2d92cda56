"""TorchServe's entry: wiring only. The only file that knows how TorchServe calls a handler and takes its answers."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from transformers.utils import logging as transformers_logging

from .config import Environment, HandlerConfig
from .cores import CoreShare
from .doors import native
from .errors import InternalError, NotHealthy
from .metrics import FIRST_SAMPLES, METRICS, MODEL_LABELS, REQUEST_SECONDS, Metric, Sample, Stopwatch, count_batch
from .payload import DeepCheck, Describe, Parsed, Rejected, Request, Response
from .pipeline import Answer, load_pipeline
from .selftest import load_known_answers
from .versions import check_versions

logger = logging.getLogger(__name__)

TIME_SHARE = 0.5  # of responseTimeout: the last forward pass begins by then, and TorchServe kills who is late


class BertHandler:
    """TorchServe makes one per worker, calls `initialize` once and then `handle` with one batch at a time."""

    def initialize(self, context: Any) -> None:
        """Load the archive in the model's folder; a LoadError here keeps the worker from becoming ready."""
        _quiet_logs()
        folder = Path(context.system_properties["model_dir"]).resolve()
        self._config = HandlerConfig.from_mapping(context.model_yaml_config.get("handler"))
        check_versions(self._config.requires, folder / "requirements.txt")
        self._environment = Environment.read()
        self._cores = CoreShare()
        self._cores.refresh()
        self._known = load_known_answers(folder / "known_answers.json", self._config.task)
        gpu_id = context.system_properties["gpu_id"]
        self._pipeline = load_pipeline(folder / "checkpoint", self._config, self._environment, gpu_id, self._known)
        self._time_limit_s = TIME_SHARE * context.model_yaml_config["responseTimeout"]
        model = context.manifest["model"]
        self._identity = {"model": model["modelName"], "version": model["modelVersion"]}
        self._metrics = {metric: _declare(metric) for metric in METRICS}
        self._emit(FIRST_SAMPLES)
        logger.info("loaded %s", " ".join(f"{name}={value}" for name, value in self._describe().items()))

    def handle(self, data: list[dict[str, Any]], context: Any) -> list[bytes]:
        """One body per request, in order; statuses and headers go to the context."""
        stopwatch = Stopwatch()
        with stopwatch.measure(REQUEST_SECONDS):
            self._cores.refresh()
            headers = [context.get_all_request_header(index) for index in range(len(data))]
            task = self._config.task
            parsed = [native.parse_request(fields, header, task) for fields, header in zip(data, headers, strict=True)]
            answers = self._answer(parsed, stopwatch)
            formatted = map(self._format, parsed, answers)
            responses = [native.limit_size(each, self._environment.max_response_bytes) for each in formatted]
        for index, (response, header) in enumerate(zip(responses, headers, strict=True)):
            _set_response(context, index, response, header, stopwatch.seconds[REQUEST_SECONDS])
        self._emit(count_batch(parsed, answers, responses, stopwatch.seconds))
        return [response.body for response in responses]

    def _answer(self, parsed: Sequence[Parsed], stopwatch: Stopwatch) -> list[Answer | None]:
        """The engine's answer per request; None for one that does not ask it."""
        requests = [self._known.request(1) if isinstance(item, DeepCheck) else item for item in parsed]
        asked = [item for item in requests if isinstance(item, Request)]
        answers = iter(self._pipeline.answer(asked, self._time_limit_s, stopwatch))
        return [next(answers) if isinstance(request, Request) else None for request in requests]

    def _format(self, item: Parsed, answer: Answer | None) -> Response:
        if isinstance(item, Describe):
            return native.format_value(self._describe())
        if isinstance(item, Rejected):
            return native.format_error(item.error)
        if isinstance(answer, Rejected) or answer is None:
            return native.format_error(answer.error if answer else InternalError("the engine left this request out"))
        if isinstance(item, DeepCheck):
            return self._format_deep_check(self._known.largest_difference([answer[0].value]))
        return native.format_predictions(answer, is_list=item.is_list)

    def _format_deep_check(self, difference: float) -> Response:
        if difference > self._pipeline.tolerance:
            return native.format_error(NotHealthy(f"a known text's answer is off by {difference:.3g}"))
        return native.format_value({"status": "ok", **self._identity, "max_difference": difference})

    def _describe(self) -> dict[str, object]:
        return {**self._identity, "task": self._config.task, **self._pipeline.describe()}

    def _emit(self, samples: Iterable[Sample]) -> None:
        for sample in samples:
            self._metrics[sample.metric].add_or_update(sample.value, [*sample.labels, *self._identity.values()])


def _declare(metric: Metric) -> Any:
    """TorchServe's own writer of a metric. context.metrics would add the id of every request in the batch."""
    from ts.metrics.caching_metric import CachingMetric  # noqa: PLC0415 - importing ts leaves a file open
    from ts.metrics.metric_type_enum import MetricTypes  # noqa: PLC0415

    return CachingMetric(metric.name, metric.unit, [*metric.labels, *MODEL_LABELS], MetricTypes(metric.kind))


def _set_response(context: Any, index: int, response: Response, headers: dict[str, str], elapsed_s: float) -> None:
    context.set_response_status(response.status, response.phrase, index)
    context.set_response_content_type(index, "application/json")
    context.set_response_header(index, "x-inference-time-ms", f"{elapsed_s * 1000:.1f}")
    for name, value in response.headers.items():
        context.set_response_header(index, name, value)
    if not isinstance(headers.get("explain"), str):
        # Every REST request has this header, so this is gRPC (whose inputs stand in the same dict, as dicts, by the
        # names that the client chose: ts/service.py). A StreamPredictions answer that does not say that
        # it is the last is a null pointer in the frontend (GRPCJob), which then kills the worker.
        context.set_response_header(index, "ts_stream_next", "false")


def _quiet_logs() -> None:
    """No progress bars of transformers, and no line per batch that TorchServe's worker logs on the root logger."""
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.getLogger().addFilter(lambda record: record.levelno >= logging.WARNING)
