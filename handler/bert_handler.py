"""TorchServe's entry: wiring only. The only file that knows how TorchServe calls a handler."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .config import HandlerConfig
from .doors.call import Call, format_value, limit_size
from .doors.route import open_call
from .doors.send import NO_ROOM, Sender
from .engine.device_errors import ending_when_lost
from .errors import InternalError, NotHealthy, NotNow
from .known_answers import load_known_answers
from .payload import Answer, Answered, DeepCheck, ModelIdentity, Rejected, Request, Response
from .tasks import TASKS
from .worker.accounts import Accounts
from .worker.cores import CoreShare
from .worker.environment import Environment
from .worker.metrics import REQUEST_SECONDS, Stopwatch
from .worker.startup import die_first, log_line, quick_imports, quiet_logs
from .worker.versions import check_versions

logger = logging.getLogger(__name__)

TIME_SHARE = 0.5  # of responseTimeout: the last forward pass begins by then, and TorchServe kills who is late


class BertHandler:
    """TorchServe makes one per worker, calls `initialize` once and then `handle` with one batch at a time."""

    def initialize(self, context: Any) -> None:
        """Load the archive in the model's folder; a LoadError here keeps the worker from becoming ready."""
        die_first()
        folder = Path(context.system_properties["model_dir"]).resolve()
        self._config = HandlerConfig.from_mapping(context.model_yaml_config.get("handler"))
        check_versions(self._config.requires, folder / "requirements.txt")
        with quick_imports():
            from .choose_engine import load_pipeline  # noqa: PLC0415 - transformers, in a version that fits
        quiet_logs()
        self._environment = Environment.read()
        self._cores = CoreShare(self._environment.cores)
        self._known = load_known_answers(folder / "known_answers.json", TASKS[self._config.task])
        gpu_id = context.system_properties["gpu_id"]
        self._pipeline = load_pipeline(folder / "checkpoint", self._config, self._environment, gpu_id, self._known)
        self._time_limit_s = TIME_SHARE * context.model_yaml_config["responseTimeout"]
        model = context.manifest["model"]
        name, version = model["modelName"], model["modelVersion"]
        contract = TASKS[self._config.task]
        self._identity = ModelIdentity(name=name, version=version, contract=contract, served=self._pipeline)
        self._names = {"model": name, "version": version}
        self._accounts = Accounts(name, version)
        logger.info("loaded %s", log_line(self._describe()))

    def prove(self) -> str:
        """Compare the model's answers with all known ones, long texts included, and return the engine's name.

        Raises SelfTestError where one differs.
        """
        self._pipeline.require(self._known)
        return self._pipeline.engine

    @ending_when_lost()
    def handle(self, data: list[dict[str, Any]], context: Any) -> list[bytes]:
        """Return one body per request, in order; statuses and headers go to the context."""
        stopwatch = self._accounts.stopwatch()
        with stopwatch.measure(REQUEST_SECONDS):
            self._cores.refresh()
            headers = [context.get_all_request_header(index) for index in range(len(data))]
            sender = Sender(context, headers)
            limit = self._environment.max_request_bytes
            calls = [open_call(*each, self._identity, limit) for each in zip(data, headers, strict=True)]
            answers = self._answer(calls, stopwatch)
            responses = [self._send(sender, call, answer) for call, answer in zip(calls, answers, strict=True)]
        self._accounts.note(stopwatch, headers, [call.item for call in calls], answers, responses)
        return sender.finish()

    def _answer(self, calls: Sequence[Call], stopwatch: Stopwatch) -> list[Answer | None]:
        """Return the engine's answer to each request; None where the engine is not asked."""
        requests = [self._known.request(1) if isinstance(call.item, DeepCheck) else call.item for call in calls]
        asked = [item for item in requests if isinstance(item, Request)]
        answers = iter(self._pipeline.answer(asked, self._time_limit_s, stopwatch))
        return [next(answers) if isinstance(request, Request) else None for request in requests]

    def _send(self, sender: Sender, call: Call, answer: Answer | None) -> Response:
        """Write the next request's answer and hand it on; the response comes back without its body."""
        response = self._write(call, answer)
        if not sender.has_room(response):
            response = call.reply.format_error(NotNow(NO_ROOM))
        sender.add(response)
        return replace(response, body=b"")

    def _write(self, call: Call, answer: Answer | None) -> Response:
        """Write an answer. Never raises."""
        try:
            return limit_size(self._format(call, answer), call.reply, self._environment.max_response_bytes)
        except Exception:  # the neighbours' answers may be sent already
            logger.exception("an answer could not be written")
            return call.reply.format_error(InternalError("the answer could not be written; the server's log says why"))

    def _format(self, call: Call, answer: Answer | None) -> Response:
        if isinstance(call.item, Answered):
            return format_value(call.item.value)
        left_out = Rejected(InternalError("the engine left this request out"))
        found = call.item if isinstance(call.item, Rejected) else answer or left_out
        if isinstance(found, Rejected):
            return call.reply.format_error(found.error)
        if isinstance(call.item, DeepCheck):
            difference = self._known.largest_difference([found[0].value])
            if difference > self._pipeline.tolerance:
                return call.reply.format_error(NotHealthy(f"a known text's answer is off by {difference:.3g}"))
            return format_value({"status": "ok", **self._names, **self._pipeline.told, "max_difference": difference})
        return call.reply.format_predictions(found)

    def _describe(self) -> dict[str, object]:
        return {**self._names, "task": self._config.task, **self._pipeline.describe()}
