"""From requests to predictions: tokenise, forward, head. One batch's way, without TorchServe and without a wire.

An error of one request is a value in its place; its neighbours never see it.
"""

import logging
import math
import time
from collections.abc import Iterator, Sequence
from itertools import groupby, islice, takewhile
from pathlib import Path

import torch

from .admission import accept, count_texts, refuse_too_many
from .config import HandlerConfig
from .engine.device_errors import as_request_error
from .engine.forward import Forward, are_finite
from .engine.int8 import quantize_layers
from .engine.lone.openvino_pass import LonePass
from .engine.model import MODELS, Engine, Model
from .engine.pending import Pending, SharedText, hold_rows, share_texts
from .engine.placement import Placement
from .engine.static.words import load_table
from .engine.threads import one_thread
from .errors import DeadlineExceeded, InternalError, NotNow, RequestError, SelfTestError
from .explain.explainer import LIMIT_S, Explainer
from .known_answers import TOLERANCES, KnownAnswers, make_raw_head
from .parameters import ExplanationParameters, choose_head
from .payload import Answer, Prediction, Rejected, Request, Token
from .tasks import TASKS, reads_of
from .tasks.heads import make_heads
from .tasks.kind import Row
from .text.encoded import EncodedText
from .text.passages import Passages
from .text.tokenization import TOO_LATE, Encoded, Tokenizer
from .worker.metrics import TOKENIZE_SECONDS, Stopwatch

logger = logging.getLogger(__name__)

OVER = "the request's time was over before the model had read it: send it later, or give it more time"


class Pipeline:
    """A loaded model that answers batches of requests."""

    def __init__(self, folder: Path, config: HandlerConfig, device: torch.device, engine: Engine) -> None:
        self.config = config
        self.placement = Placement.choose(config, device)
        self.engine = engine
        self.tolerance = TOLERANCES[self.placement.precision]
        self._kind = TASKS[config.task]
        self._tokenizer = Tokenizer(folder)
        self.use(MODELS[engine](folder, config, self.placement, self._tokenizer))
        self._table = load_table(folder, config.vectors)
        self._heads = make_heads(self._kind, folder, self._model.network.config, self._tokenizer.hf, config)
        self._raw_head = make_raw_head(reads_of(config))

    @property
    def model(self) -> Model:
        """The form of the model that runs."""
        return self._model

    def use(self, model: Model, lone: LonePass | None = None) -> None:
        """Run this form of the model from now on, and for a lone short text on a CPU that pass where there is one."""
        self._model = model
        self._forward = Forward(model, self.placement, lone)

    def answer(
        self, requests: Sequence[Request], time_limit_s: float = math.inf, stopwatch: Stopwatch | None = None
    ) -> list[Answer]:
        """Return one answer per request, in order. All requests' texts share forward passes, which stopwatch measures.

        Nothing begins later than time_limit_s seconds from now: requests with texts that are left get NotNow, or
        DeadlineExceeded where their own time was over before.
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

    def quantize(self, known: KnownAnswers) -> int:
        """Turn the model's layers to int8, by what it reads for their inputs; return how many matrices those are."""
        with one_thread():  # who reads which tensor is seen in the order of one thread
            return quantize_layers(self._model.network, self.config.int8_kept, lambda: self.answer([known.request()]))

    def check(self, known: KnownAnswers) -> float:
        """Return the largest difference from the known answers; infinite where there is no answer at all."""
        return known.worst_difference(self.answer(known.requests()))

    def require(self, known: KnownAnswers) -> None:
        """Raise SelfTestError where one of them is not given."""
        if (difference := self.check(known)) > self.tolerance:
            raise SelfTestError(
                f"the {self.engine} engine gives the short known answers and not the long ones: the difference is "
                f"{difference:.3g}, the tolerance of {self.placement.precision} is {self.tolerance:g}. berth cannot "
                "serve this model: please report its architecture"
            )

    def read(self, known: KnownAnswers) -> list[EncodedText]:
        """Return what the model reads for their inputs."""
        prepared = self._prepare([known.request()], math.inf)
        return [text for group in prepared if isinstance(group, list) for each in group for text in each.texts]

    def describe(self) -> dict[str, object]:
        """Say what runs here, for logs and TorchServe's describe."""
        return {
            "engine": self.engine,
            "device": str(self.placement.device),
            "precision": self.placement.precision,
            **self.config.tried_on_cpu,
            "max_tokens": self.config.max_tokens,
            **({} if self._tokenizer.truncation_side == "right" else {"truncation_side": "left"}),
            **({} if self.config.spans is None else {"spans": self.config.spans.to_mapping()}),
            **({} if self.config.candidates is None else {"candidates": self.config.candidates.to_mapping()}),
            "token_budget": self._forward.token_budget,
            "threads": torch.get_num_threads(),
            **self._model.notes,
        }

    @property
    def told(self) -> dict[str, object]:
        """What a deep check's answer says of its worker: the launcher shows it to Prometheus."""
        described = self.describe()
        return {name: described[name] for name in ("engine", "precision", "token_budget")}

    @property
    def labels(self) -> list[str]:
        """The checkpoint's own labels, in the order of its logits; none where results have no such."""
        return self._heads.default.labels

    @property
    def heads(self) -> dict[str, list[str]]:
        """The labels of each head by its name, the default first; empty where there is only one head."""
        return {name: head.labels for name, head in self._heads.named.items()}

    def tokenize(self, text: str, *, has_special: bool) -> list[Token]:
        """Return a text's tokens, none of them cut."""
        return self._tokenizer.tokenize(text, has_special=has_special)

    def decode(self, ids: Sequence[int], *, skips_special: bool) -> str:
        """Return the text of token ids; InvalidInput for one that is none."""
        return self._tokenizer.decode(ids, skips_special=skips_special)

    def _explain(self, request: Request, deadline_s: float) -> Answer:
        """Explain one input after the other."""
        assert isinstance(request.parameters, ExplanationParameters)
        deadline_s = min(deadline_s, request.deadline_s)
        predictions = []
        for source in request.inputs:
            try:
                choose_head(request.parameters.head, self.config)
                explainer = Explainer(self._model, self._tokenizer, self.config, self._heads.of(request.parameters))
                predictions.append(explainer.explain(source, request.parameters, deadline_s))
            except RequestError as error:
                is_over = isinstance(error, NotNow) and time.monotonic() > request.deadline_s
                return Rejected(DeadlineExceeded(OVER) if is_over else error.locate(source.param))
            except Exception as error:  # noqa: BLE001 - whatever it is, the neighbours get their answers
                return Rejected(as_request_error(error, self.placement.device))
        return predictions

    def _prepare(self, requests: Sequence[Request], deadline_s: float) -> list[list[Pending] | RequestError]:
        """Return each request's inputs as the model reads them, or the error of one that does not get that far."""
        plans = [self._plan_request(request) for request in requests]
        passages = [each for plan in plans if isinstance(plan, list) for each in plan]
        encoded = iter(self._tokenizer.encode(passages, deadline_s))
        return [
            self._accept(request, list(islice(encoded, len(plan)))) if isinstance(plan, list) else plan
            for request, plan in zip(requests, plans, strict=True)
        ]

    def _accept(self, request: Request, encoded: list[Encoded]) -> list[Pending] | RequestError:
        head = self._heads.of(request.parameters)
        return accept(request, [head.adapt(each) for each in encoded], self.config)

    def _plan_request(self, request: Request) -> list[Passages] | RequestError:
        if time.monotonic() > request.deadline_s:
            return DeadlineExceeded(OVER)
        plan: list[Passages] = []
        num_texts = 0
        try:
            choose_head(request.parameters.head, self.config)
            for source in request.inputs:
                plan.append(self._kind.plan(source, request.parameters, self.config))
                num_texts += count_texts(source, len(plan[-1].pairs))
                if refusal := refuse_too_many(request, num_texts):
                    return refusal
        except RequestError as error:
            return error
        return plan

    def _compute(self, inputs: list[Pending], deadline_s: float, stopwatch: Stopwatch) -> None:
        """Fill in the outcomes of all inputs; what does not get its turn in time is left without."""
        shared = self._look_up(share_texts(inputs), deadline_s)
        texts = [each.text for each in shared]
        deadlines_s = [min(deadline_s, each.deadline_s) for each in shared]
        # At load it is the engine that is tried: one that is right only for lone texts must fail.
        halves = not all(pending.is_raw for pending in inputs)
        for indices, rows in self._forward.rows(texts, deadlines_s, stopwatch, halves=halves):
            self._hand_out([shared[index] for index in indices], rows, deadline_s)

    def _look_up(self, shared: list[SharedText], deadline_s: float) -> list[SharedText]:
        """Answer for the texts that need no forward pass, and return the others."""
        looked_up = [each for each in shared if each.text.is_looked_up]
        if self._table is None or not looked_up:
            return shared
        self._hand_out(looked_up, [self._table.weigh(each.text) for each in looked_up], deadline_s)
        return [each for each in shared if not each.text.is_looked_up]

    def _hand_out(self, given: list[SharedText], rows: Sequence[Row] | RequestError, deadline_s: float) -> None:
        """Hand out what is said of these texts, and make answers for the inputs for which nothing is missing now."""
        complete = self._deliver(given, rows)
        for _, group in groupby(complete, key=lambda pending: (pending.is_raw, pending.parameters)):
            self._read(list(group), deadline_s)
        hold_rows(given)

    def _deliver(self, shared: Sequence[SharedText], rows: Sequence[Row] | RequestError) -> Iterator[Pending]:
        """Give these texts' rows to their inputs; yield those for which nothing is missing now."""
        said = [rows] * len(shared) if isinstance(rows, RequestError) else self._refuse_overflows(rows)
        for each, row in zip(shared, said, strict=True):
            for pending, slot in each.places:
                if isinstance(row, RequestError):
                    pending.settle(row)
                elif pending.take(slot, row):
                    yield pending

    def _refuse_overflows(self, rows: Sequence[Row]) -> list[Row | RequestError]:
        """Put an error in the place of each row that is not finite."""
        overflowed = f"the model's output overflowed in {self.placement.precision}: it is not finite"
        return [
            row if is_finite else InternalError(overflowed)
            for row, is_finite in zip(rows, are_finite(rows), strict=True)
        ]

    def _read(self, inputs: Sequence[Pending], deadline_s: float) -> None:
        """Make answers for inputs with the same parameters. Where that fails each is tried alone, if there is time."""
        if (error := self._try_head(inputs, deadline_s)) is None:
            return
        if len(inputs) == 1:
            inputs[0].settle(_as_outcome(error))
            return
        for pending in inputs:
            if pending.outcome is None:
                self._read([pending], deadline_s)

    def _try_head(self, inputs: Sequence[Pending], deadline_s: float) -> Exception | None:
        """Make answers until one fails, and return why."""
        named = self._heads.of(inputs[0].parameters)
        head = self._raw_head if inputs[0].is_raw else named.head
        in_time = takewhile(lambda _: time.monotonic() <= deadline_s, inputs)  # thousands of words take theirs
        try:
            values = head([named.read(pending.read()) for pending in inputs], inputs[0].parameters)
            for pending, value in zip(in_time, values, strict=False):
                pending.settle(pending.predict(value))
        except Exception as error:  # noqa: BLE001 - neighbours get their answers
            return error
        return None


def _as_outcome(error: Exception) -> RequestError:
    if isinstance(error, RequestError):
        return error
    logger.error("an answer could not be made of the model's output", exc_info=error)
    return InternalError("no answer could be made of the model's output; the server's log says why")


def _left_out(pending: Pending) -> RequestError:
    """Say why its turn has not come."""
    return DeadlineExceeded(OVER) if time.monotonic() > pending.deadline_s else NotNow(TOO_LATE)


def _gather(inputs: Sequence[Pending]) -> Answer:
    outcomes = [pending.outcome or _left_out(pending) for pending in inputs]
    error = next((outcome for outcome in outcomes if isinstance(outcome, RequestError)), None)
    if error is not None:
        return Rejected(error)
    return [outcome for outcome in outcomes if isinstance(outcome, Prediction)]
