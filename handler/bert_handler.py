"""TorchServe's entry: wiring only. The only file that knows how TorchServe calls a handler and takes its answers."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers.utils import logging as transformers_logging

from .config import Environment, HandlerConfig
from .cores import CoreShare
from .doors import native
from .errors import InternalError, NotHealthy
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
        self._pipeline = load_pipeline(
            folder / "checkpoint",
            self._config,
            self._environment,
            context.system_properties["gpu_id"],
            self._known,
        )
        self._time_limit_s = TIME_SHARE * context.model_yaml_config["responseTimeout"]
        model = context.manifest["model"]
        self._identity = {"model": model["modelName"], "version": model["modelVersion"]}
        logger.info("loaded %s", " ".join(f"{name}={value}" for name, value in self._describe().items()))

    def handle(self, data: list[dict[str, Any]], context: Any) -> list[bytes]:
        """One body per request, in order; statuses and headers go to the context."""
        started_s = time.perf_counter()
        self._cores.refresh()
        headers = [context.get_all_request_header(index) for index in range(len(data))]
        task = self._config.task
        parsed = [native.parse_request(fields, header, task) for fields, header in zip(data, headers, strict=True)]
        max_bytes = self._environment.max_response_bytes
        responses = [native.limit_size(response, max_bytes) for response in self._respond(parsed)]
        elapsed_ms = (time.perf_counter() - started_s) * 1000
        for index, (response, header) in enumerate(zip(responses, headers, strict=True)):
            _set_response(context, index, response, header, elapsed_ms)
        return [response.body for response in responses]

    def _respond(self, parsed: Sequence[Parsed]) -> list[Response]:
        requests = [self._known.request(1) if isinstance(item, DeepCheck) else item for item in parsed]
        answers = iter(
            self._pipeline.answer([item for item in requests if isinstance(item, Request)], self._time_limit_s)
        )
        return [
            self._format(item, next(answers) if isinstance(request, Request) else None)
            for item, request in zip(parsed, requests, strict=True)
        ]

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


def _set_response(context: Any, index: int, response: Response, headers: dict[str, str], elapsed_ms: float) -> None:
    context.set_response_status(response.status, response.phrase, index)
    context.set_response_content_type(index, "application/json")
    context.set_response_header(index, "x-inference-time-ms", f"{elapsed_ms:.1f}")
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
