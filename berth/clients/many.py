"""Very many inputs through one client: several requests at once, answers in order, an error in its input's place.

What a server that restarts or is full refuses is asked again: a prediction changes nothing.
"""

import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Event, Thread

from ..errors import BerthError, ConnectionBroken, RequestFailed, ServerUnreachable
from .chunks import EncodedInput, Frame, cut_chunks, encode_input
from .inputs import plain_parameters
from .messages import Input, Model, Parameters, Result, Results, ServerError
from .rest_client import PREDICTIONS, RestClient

AT_ONCE = 16
"""Requests that wait at the server: as many keep four workers busy, whose batch is of four such requests."""
PATIENCE_S = 120.0
"""How long a request is asked again: a worker is back in some 10 s, a server with a large model in a minute."""
FIRST_WAIT_S, MOST_WAIT_S = 0.5, 8.0
BUSY = frozenset({429, 503})
WORKER_DIED = "InternalServerException"  # TorchServe's, of a worker that ended while it worked
NOT_OF_AN_INPUT = frozenset({401, 403, 404, 405, 408, *BUSY})
_PLACE = re.compile(r"^/inputs/(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one input: a result, or an error."""

    result: Result | None = None
    is_truncated: bool = False
    error: ServerError | None = None


class Many:
    """Asks a client for predictions; from one thread. The inputs are plain JSON values (`inputs.py`)."""

    def __init__(
        self,
        client: RestClient,
        parameters: Parameters | None = None,
        model: Model = None,
        *,
        pause: Callable[[Event, float], bool] = Event.wait,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`pause` waits so many seconds, or until the event says that nobody wants the answer."""
        self._client, self._parameters, self._model = client, plain_parameters(parameters), model
        self._frame = Frame.of(self._parameters)
        self._pause, self._clock = pause, clock
        self._has_answered = False

    def answers(self, items: Iterable[Input | ServerError]) -> Iterator[Answer]:
        """Yield an answer for each item, in order, as they come; an item that is an error is its own answer.

        RequestFailed for what is no input's fault, ServerUnreachable where nobody answers at all: what was yielded
        before stays true.
        """
        order: deque[ServerError | None] = deque()
        for answer in self._ask_all(_note(items, order)):
            yield from _leading_errors(order)
            order.popleft()
            yield answer
        yield from _leading_errors(order)

    def _ask_all(self, inputs: Iterator[Input]) -> Iterator[Answer]:
        encoded = (encode_input(source, self._parameters) for source in inputs)
        waiting: deque[Future[list[Answer]]] = deque()
        stopped = Event()
        try:
            for chunk in cut_chunks(encoded, self._frame, PREDICTIONS.max_texts):
                while waiting and (len(waiting) >= AT_ONCE or waiting[0].done()):
                    yield from waiting.popleft().result()
                waiting.append(self._begin(chunk, stopped))
            while waiting:
                yield from waiting.popleft().result()
        finally:
            stopped.set()

    def _begin(self, chunk: Sequence[EncodedInput], stopped: Event) -> Future[list[Answer]]:
        """Ask in a thread that nobody has to wait for, not even the end of the program."""
        asked: Future[list[Answer]] = Future()

        def ask() -> None:
            try:
                asked.set_result(self._ask(chunk, stopped))
            except Exception as error:  # noqa: BLE001 - raised again where the answer is taken
                asked.set_exception(error)

        Thread(target=ask, name="berth-many", daemon=True).start()
        return asked

    def _ask(self, chunk: Sequence[EncodedInput], stopped: Event) -> list[Answer]:
        """The answers of a chunk; one that is refused is left out, and its neighbours are asked without it."""
        if not chunk:
            return []
        try:
            results = self._ask_patiently(chunk, stopped)
        except RequestFailed as error:
            if not _is_of_an_input(error):
                raise
            place = _find_place(error, len(chunk))
            if place is None:  # the server did not say which
                half = len(chunk) // 2
                return [*self._ask(chunk[:half], stopped), *self._ask(chunk[half:], stopped)]
            answers = self._ask([*chunk[:place], *chunk[place + 1 :]], stopped)
            refused = Answer(error=ServerError(code=error.code, type=error.type, message=error.message))
            return [*answers[:place], refused, *answers[place:]]
        cut = set(results.truncated)
        return [Answer(result=result, is_truncated=index in cut) for index, result in enumerate(results)]

    def _ask_patiently(self, chunk: Sequence[EncodedInput], stopped: Event) -> Results:
        began_s, wait_s = self._clock(), FIRST_WAIT_S
        while True:
            try:
                results = self._client.ask_encoded(PREDICTIONS, chunk, self._frame, self._model)
            except BerthError as error:
                is_passing = _is_passing(error)
                self._has_answered |= not is_passing and isinstance(error, RequestFailed)
                is_over = self._clock() - began_s + wait_s > PATIENCE_S
                if is_over or not is_passing or not self._has_answered or self._pause(stopped, wait_s):
                    raise
                wait_s = min(2 * wait_s, MOST_WAIT_S)
            else:
                self._has_answered = True
                return results


def _is_passing(error: BerthError) -> bool:
    """Whether the same request may be answered a little later."""
    if isinstance(error, RequestFailed):
        return error.code in BUSY or error.type == WORKER_DIED
    return isinstance(error, ServerUnreachable | ConnectionBroken)


def _is_of_an_input(error: RequestFailed) -> bool:
    is_refusal = 400 <= error.code < 500 and error.code not in NOT_OF_AN_INPUT
    return is_refusal and not (error.param or "").startswith("/parameters")


def _find_place(error: RequestFailed, count: int) -> int | None:
    """Which of `count` inputs is meant."""
    found = _PLACE.match(error.param or "")
    if found and int(found[1]) < count:
        return int(found[1])
    return 0 if count == 1 else None


def _note(items: Iterable[Input | ServerError], order: deque[ServerError | None]) -> Iterator[Input]:
    """The inputs among the items; `order` is told of all."""
    for item in items:
        if isinstance(item, ServerError):
            order.append(item)
        else:
            order.append(None)
            yield item


def _leading_errors(order: deque[ServerError | None]) -> Iterator[Answer]:
    while order and (error := order[0]):
        order.popleft()
        yield Answer(error=error)
