"""Requests to predictions: tokenise, forward, head. What one batch goes through, without TorchServe and without a wire.

An error of one request is a value in its place; its neighbours never see it.
"""

import logging
import math
import time
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from .config import Environment, HandlerConfig
from .errors import InputTooLong, InternalError, NotNow, OutOfMemory, RequestError, SelfTestError
from .heads import TASK_HEADS, Row
from .metrics import FORWARD_SECONDS, TOKENIZE_SECONDS, Stopwatch
from .model import MODELS, Batch, Engine, Placement, choose_device
from .payload import Parameters, Prediction, Rejected, Request
from .selftest import TOLERANCES, KnownAnswers
from .tokenization import EncodedText, Tokenizer

logger = logging.getLogger(__name__)

TOO_LATE = "the texts of this batch take too long together: try again, with fewer or shorter texts"
Outcome = Prediction | RequestError
Answer = list[Prediction] | Rejected


class Pipeline:
    """A loaded model that answers batches of requests."""

    def __init__(self, folder: Path, config: HandlerConfig, device: torch.device, engine: Engine) -> None:
        self.config = config
        self.placement = Placement.choose(config, device)
        self.engine = engine
        self.tolerance = TOLERANCES[self.placement.precision]
        self._tokenizer = Tokenizer(folder, config.max_tokens)
        self._model = MODELS[engine](folder, config, self.placement, self._tokenizer)
        self._head = TASK_HEADS[config.task](self._model.hf_config)

    def answer(
        self, requests: Sequence[Request], time_limit_s: float = math.inf, stopwatch: Stopwatch | None = None
    ) -> list[Answer]:
        """One answer per request, in order. The texts of all requests share forward passes, which stopwatch measures.

        Nothing begins later than time_limit_s seconds from now: requests with texts that are left get NotNow.
        """
        if not requests:
            return []
        stopwatch = stopwatch or Stopwatch()
        deadline_s = time.monotonic() + time_limit_s
        sources = [text for request in requests for text in request.inputs]
        with stopwatch.measure(TOKENIZE_SECONDS):
            encoded = iter(self._tokenizer.encode(sources, deadline_s))
        groups = [list(islice(encoded, len(request.inputs))) for request in requests]
        refusals = [_refuse(request, group) for request, group in zip(requests, groups, strict=True)]
        accepted = [index for index, refusal in enumerate(refusals) if refusal is None]
        outcomes = iter(
            self._predict(
                [text for index in accepted for text in groups[index] if text],
                [requests[index].parameters for index in accepted for _ in groups[index]],
                deadline_s,
                stopwatch,
            )
        )
        return [
            refusal or _gather(list(islice(outcomes, len(group))))
            for refusal, group in zip(refusals, groups, strict=True)
        ]

    def check(self, known: KnownAnswers) -> float:
        """The largest difference from the known answers; infinite where there is no answer at all."""
        (answer,) = self.answer([known.request()])
        if isinstance(answer, Rejected):
            return math.inf
        return known.largest_difference([prediction.value for prediction in answer])

    def describe(self) -> dict[str, object]:
        """What runs here, for logs and TorchServe's describe."""
        return {
            "engine": self.engine,
            "device": str(self.placement.device),
            "precision": self.placement.precision,
            "max_tokens": self.config.max_tokens,
            "token_budget": self.placement.token_budget,
            "threads": torch.get_num_threads(),
        }

    def _predict(
        self, texts: list[EncodedText], parameters: list[Parameters], deadline_s: float, stopwatch: Stopwatch
    ) -> list[Outcome]:
        outcomes: list[Outcome] = [NotNow(TOO_LATE)] * len(texts)
        for batch in self._model.batches(texts):
            if time.monotonic() > deadline_s:
                break
            with stopwatch.measure(FORWARD_SECONDS):
                rows = self._forward(batch)
            for index, row in zip(batch.indices, rows, strict=True):
                outcomes[index] = (
                    row if isinstance(row, RequestError) else self._read(row, texts[index], parameters[index])
                )
        return outcomes

    def _forward(self, batch: Batch) -> Iterable[Row | RequestError]:
        """A row per text, or the error that all texts of this batch share, and no others."""
        try:
            return self._model.forward(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, neighbours in other batches get their answers
            return [_as_request_error(error)] * len(batch.indices)

    def _read(self, row: Row, text: EncodedText, parameters: Parameters) -> Outcome:
        if not np.isfinite(row).all():
            return InternalError(f"the model overflows in {self.placement.precision}: its answer is not finite")
        return Prediction(value=self._head(row, parameters), num_tokens=text.num_tokens, is_truncated=text.is_truncated)


def _refuse(request: Request, texts: list[EncodedText | None]) -> Rejected | None:
    """The error of a request that does not get as far as the model."""
    for source, text in zip(request.inputs, texts, strict=True):
        if text is None:
            return Rejected(NotNow(TOO_LATE))
        if text.is_truncated and not request.parameters.truncation:
            return Rejected(
                InputTooLong(
                    f"the text has {text.num_tokens_uncut} tokens and the model takes {text.num_tokens}: shorten it, "
                    'or send "truncation": true to have its end cut',
                    source.param or None,
                )
            )
    return None


def _gather(outcomes: list[Outcome]) -> Answer:
    error = next((outcome for outcome in outcomes if isinstance(outcome, RequestError)), None)
    if error is not None:
        return Rejected(error)
    return [outcome for outcome in outcomes if isinstance(outcome, Prediction)]


def _as_request_error(error: Exception) -> RequestError:
    logger.exception("forward pass failed")
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return OutOfMemory("no memory left for this batch: send fewer or shorter texts")
    return InternalError("the model failed on this batch; the server's log says why")


def load_pipeline(
    folder: Path, config: HandlerConfig, environment: Environment, gpu_id: int | None, known: KnownAnswers
) -> Pipeline:
    """The archive's checkpoint on its device, with the first engine that gives the known answers.

    Raises SelfTestError when none does. Which architectures pack is proven here each time, never assumed: some
    ignore the attention that they are given and would be wrong without an error.
    """
    device = choose_device(environment.device, gpu_id)
    differences = {}
    for engine in Engine:
        pipeline = Pipeline(folder, config, device, engine)
        differences[engine] = pipeline.check(known)
        if differences[engine] <= pipeline.tolerance:
            return pipeline
        logger.warning(
            "engine=%s difference=%g tolerance=%g: not used", engine, differences[engine], pipeline.tolerance
        )
    raise SelfTestError(
        "the model does not give the answers recorded in known_answers.json: the difference is "
        + ", ".join(f"{difference:.2g} {engine}" for engine, difference in differences.items())
        + f", the tolerance of {pipeline.placement.precision} is {pipeline.tolerance:g}. "
        "Pack the checkpoint again with the versions installed here"
    )
