"""Requests to predictions: tokenise, forward, head. What one batch goes through, without TorchServe and without a wire.

An error of one request is a value in its place; its neighbours never see it.
"""

import logging
import math
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from .answer_room import NO_ROOM, AnswerRoom
from .config import (
    BYTES_PER_NUMBER,
    EXPLAINED_TASKS,
    MAX_TEXTS_PER_REQUEST,
    MAX_TOKENS_PER_REQUEST,
    Environment,
    HandlerConfig,
    Task,
)
from .errors import InputTooLong, InternalError, NotNow, RequestError, SelfTestError, TooManyInputs, TooManyTokens
from .explain import LIMIT_S, Explainer
from .faults import as_request_error
from .forward import Forward
from .heads import TASK_HEADS, Head, Reading, Row
from .metrics import TOKENIZE_SECONDS, Stopwatch
from .model import MODELS, Engine
from .parameters import CutParameters, ExplanationParameters
from .passages import TASK_PASSAGES, Passages
from .payload import Answer, Prediction, Rejected, Request
from .pending import Outcome, Pending, share_texts
from .placement import Placement, choose_device
from .selftest import TOLERANCES, KnownAnswers, read_raw
from .tokenization import Encoded, Tokenizer

logger = logging.getLogger(__name__)


class Pipeline:
    """A loaded model that answers batches of requests."""

    def __init__(self, folder: Path, config: HandlerConfig, device: torch.device, engine: Engine) -> None:
        self.config = config
        self.placement = Placement.choose(config, device)
        self.engine = engine
        self.tolerance = TOLERANCES[self.placement.precision]
        self._plan = TASK_PASSAGES[config.task]
        self._tokenizer = Tokenizer(folder)
        self._model = MODELS[engine](folder, config, self.placement, self._tokenizer)
        self._forward = Forward(self._model, device, self.placement.token_budget)
        self._head = TASK_HEADS[config.task](self._model.network.config, self._tokenizer.hf, config)
        self._explainer = Explainer(self._model, self._tokenizer, config) if config.task in EXPLAINED_TASKS else None

    def answer(
        self, requests: Sequence[Request], time_limit_s: float = math.inf, stopwatch: Stopwatch | None = None
    ) -> list[Answer]:
        """One answer per request, in order. The texts of all requests share forward passes, which stopwatch measures.

        Nothing begins later than time_limit_s seconds from now: requests with texts that are left get NotNow.
        """
        stopwatch = stopwatch or Stopwatch()
        deadline_s = time.monotonic() + time_limit_s
        if not requests:
            return []
        with stopwatch.measure(TOKENIZE_SECONDS):
            prepared = self._prepare([request for request in requests if not request.explains], deadline_s)
        inputs = [pending for group in prepared if isinstance(group, list) for pending in group]
        self._compute(inputs, deadline_s, stopwatch)
        answers = iter([Rejected(group) if isinstance(group, RequestError) else _gather(group) for group in prepared])
        deadline_s = min(deadline_s, time.monotonic() + LIMIT_S)
        return [self._explain(request, deadline_s) if request.explains else next(answers) for request in requests]

    def check(self, known: KnownAnswers) -> float:
        """The largest difference from the known answers; infinite where there is no answer at all."""
        (answer,) = self.answer([known.request()])
        if isinstance(answer, Rejected):
            return math.inf
        return known.largest_difference([prediction.value for prediction in answer])

    def require(self, known: KnownAnswers) -> None:
        """SelfTestError where one of them is not given."""
        if (difference := self.check(known)) > self.tolerance:
            raise SelfTestError(
                f"the {self.engine} engine gives the short known answers and not the long ones: the difference is "
                f"{difference:.3g}, the tolerance of {self.placement.precision} is {self.tolerance:g}. berth cannot "
                "serve this model: please report its architecture"
            )

    def describe(self) -> dict[str, object]:
        """What runs here, for logs and TorchServe's describe."""
        return {
            "engine": self.engine,
            "device": str(self.placement.device),
            "precision": self.placement.precision,
            "max_tokens": self.config.max_tokens,
            "token_budget": self._forward.token_budget,
            "threads": torch.get_num_threads(),
        }

    def _explain(self, request: Request, deadline_s: float) -> Answer:
        """Explanations, one input after the other."""
        assert self._explainer is not None
        assert isinstance(request.parameters, ExplanationParameters)
        predictions = []
        for source in request.inputs:
            try:
                predictions.append(self._explainer.explain(source, request.parameters, deadline_s))
            except RequestError as error:
                return Rejected(error.locate(source.param))
            except Exception as error:  # noqa: BLE001 - whatever it is, the neighbours get their answers
                return Rejected(as_request_error(error, self.placement.device))
        return predictions

    def _prepare(self, requests: Sequence[Request], deadline_s: float) -> list[list[Pending] | RequestError]:
        """Each request's inputs as the model reads them, or the error of one that does not get as far as the model."""
        plans = self._leave_out(requests, [self._plan_request(request) for request in requests])
        passages = [each for plan in plans if isinstance(plan, list) for each in plan]
        encoded = iter(self._tokenizer.encode(passages, deadline_s))
        return [
            _accept(request, list(islice(encoded, len(plan)))) if isinstance(plan, list) else plan
            for request, plan in zip(requests, plans, strict=True)
        ]

    def _leave_out(
        self, requests: Sequence[Request], plans: list[list[Passages] | RequestError]
    ) -> list[list[Passages] | RequestError]:
        """NotNow in the place of requests whose vectors would find no room among the batch's answers."""
        if self.config.task is not Task.EMBEDDINGS:
            return plans
        room, size = AnswerRoom(), self._model.vector_size or self._model.network.config.hidden_size
        numbers = [min(getattr(request.parameters, "dimensions", None) or size, size) for request in requests]
        return [
            plan
            if isinstance(plan, RequestError) or room.take(BYTES_PER_NUMBER * each * len(plan))
            else NotNow(NO_ROOM)
            for each, plan in zip(numbers, plans, strict=True)
        ]

    def _plan_request(self, request: Request) -> list[Passages] | RequestError:
        plan: list[Passages] = []
        try:
            for source in request.inputs:
                plan.append(self._plan(source, request.parameters, self.config))
                if refusal := _too_many(request, sum(len(passages.pairs) for passages in plan)):
                    return refusal
        except RequestError as error:
            return error
        return plan

    def _compute(self, inputs: list[Pending], deadline_s: float, stopwatch: Stopwatch) -> None:
        """Fill in the outcomes of all inputs; what does not get its turn in time keeps its NotNow."""
        shared = share_texts(inputs)
        for index, row in self._forward.rows([each.text for each in shared], deadline_s, stopwatch):
            for pending, slot in shared[index].places:
                if time.monotonic() <= deadline_s:  # an answer of thousands of words takes its time too
                    self._deliver(pending, slot, row)

    def _deliver(self, pending: Pending, slot: int, row: Row | RequestError) -> None:
        if isinstance(row, RequestError):
            pending.outcome = row
        elif not np.isfinite(row).all():
            pending.outcome = InternalError(f"the model overflows in {self.placement.precision}: it is not finite")
        elif reading := pending.take(slot, row):
            pending.outcome = _read(read_raw if pending.is_raw else self._head, reading, pending)


def _accept(request: Request, encoded: list[Encoded]) -> list[Pending] | RequestError:
    """One request's inputs, or why it cannot be answered."""
    inputs = []
    for source, texts in zip(request.inputs, encoded, strict=True):
        if isinstance(texts, RequestError):
            return texts.locate(source.param)
        inputs.append(Pending(source=source, parameters=request.parameters, texts=texts, is_raw=request.is_raw))
    texts = [text for pending in inputs for text in pending.texts]
    num_tokens = sum(text.num_tokens for text in texts)
    return (
        _refuse_cuts(request, inputs)
        or _too_many(request, len(texts))
        or _too_many_tokens(request, num_tokens)
        or inputs
    )


def _refuse_cuts(request: Request, inputs: list[Pending]) -> InputTooLong | None:
    if not isinstance(request.parameters, CutParameters) or request.parameters.truncation:
        return None
    for pending in inputs:
        for text in pending.texts:
            if text.is_truncated:
                refusal = InputTooLong(
                    f"the text has {text.num_tokens_uncut} tokens and the model takes {text.num_tokens}: shorten it, "
                    'or send "truncation": true to have its end cut'
                )
                return refusal.locate(pending.source.param)
    return None


def _too_many(request: Request, num_texts: int) -> TooManyInputs | None:
    if num_texts <= MAX_TEXTS_PER_REQUEST:
        return None
    return TooManyInputs(
        f"the model would read {num_texts} texts or more for this request, each pair and each window of a long text "
        f"counted, and {MAX_TEXTS_PER_REQUEST} are the most: send several requests with fewer inputs, texts or labels"
    ).locate(request.param)


def _too_many_tokens(request: Request, num_tokens: int) -> TooManyTokens | None:
    if num_tokens <= MAX_TOKENS_PER_REQUEST:
        return None
    return TooManyTokens(
        f"the model would read {num_tokens} tokens for this request, and {MAX_TOKENS_PER_REQUEST} are the most: send "
        "several requests with fewer or shorter texts"
    ).locate(request.param)


def _read(head: Head, reading: Reading, pending: Pending) -> Outcome:
    try:
        value = head(reading, pending.parameters)
    except RequestError as error:
        return error
    except Exception:  # neighbours get their answers
        logger.exception("an answer could not be made of the model's output")
        return InternalError("no answer could be made of the model's output; the server's log says why")
    return Prediction(
        value=value,
        num_tokens=sum(text.num_tokens for text in pending.texts),
        is_truncated=any(text.is_truncated for text in pending.texts),
    )


def _gather(inputs: list[Pending]) -> Answer:
    error = next((pending.outcome for pending in inputs if isinstance(pending.outcome, RequestError)), None)
    if error is not None:
        return Rejected(error)
    return [pending.outcome for pending in inputs if isinstance(pending.outcome, Prediction)]


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
        began_s = time.monotonic()
        pipeline = Pipeline(folder, config, device, engine)
        loaded_s = time.monotonic()
        differences[engine] = pipeline.check(known.short() if device.type == "cpu" else known)
        if differences[engine] <= pipeline.tolerance:
            logger.info("load_s=%.2f self_test_s=%.2f", loaded_s - began_s, time.monotonic() - loaded_s)
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
