"""A batch's answers on their way to TorchServe's frontend, in messages of a size that it reads well.

The frontend reads a message from its beginning again for every 64 KiB that came, so a message costs it the square of
its size. It takes the batch for answered after each, unless an answer in it says `ts_stream_next: true`. Two kinds may:

- a ModelInfer over gRPC, which ends with its answer all the same;
- a REST answer with the status 200, chunked then: its body goes at once, its end with the batch's last message.

A call of Predictions may be one of StreamPredictions, which would never end, and an error over REST closes its
connection. A batch of nothing else is one message.
"""

import time
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Any

from ..payload import Response
from ..sizes import MAX_ANSWER_BYTES_PER_BATCH, MAX_ONLY_MESSAGE_BYTES, MESSAGE_BYTES, SMALL_ANSWER_BYTES
from .body import is_infer, is_rest

STREAM_NEXT = "ts_stream_next"
OK = 200
NO_ROOM = "the answers of this batch's requests are too large together: try again, or send fewer inputs at once"


class Carries(Enum):
    """The messages that an answer keeps its batch open for."""

    NONE = auto()
    ITS_OWN = auto()
    ALL = auto()


class Sender:
    """Sends one batch's answers in several messages, and leaves the last one to TorchServe's service."""

    def __init__(self, context: Any, headers: Sequence[Mapping[str, object]]) -> None:
        self._context = context
        self._headers = headers
        self._bodies: dict[int, bytes] = {}
        self._started_s = time.perf_counter()
        self._num_answers = self._sent_bytes = self._next_bytes = 0
        self._open: int | None = None
        """The answer that is left open until the last message."""
        self._complete: int | None = None
        """An answer that keeps the batch open after the next message and is complete itself."""

    def has_room(self, response: Response) -> bool:
        """Tell whether there is room for the next request's answer; for a small one there always is."""
        carries = self._carries(self._num_answers, response.status)
        return len(response.body) <= max(SMALL_ANSWER_BYTES, self._left_bytes(carries))

    def add(self, response: Response) -> None:
        """Take the next request's answer. What was taken before is sent if a message would get too large."""
        index = self._num_answers
        carries = self._carries(index, response.status)
        num_bytes = len(response.body)
        if self._next_bytes + num_bytes > MESSAGE_BYTES:
            self._send()
        self._bodies[index] = response.body
        self._next_bytes += num_bytes
        if carries is Carries.ALL and self._open is None:
            self._open = index
        elif carries is Carries.ITS_OWN:
            self._complete = index
        self._set_response(index, response)
        self._num_answers += 1

    def finish(self) -> list[bytes]:
        """Return the last message's bodies, in the places of their requests; nobody reads those that were sent."""
        return [self._bodies.get(index, b"") for index in range(len(self._headers))]

    def _carries(self, index: int, status: int) -> Carries:
        headers = self._headers[index]
        if is_rest(headers):
            return Carries.ALL if status == OK else Carries.NONE
        return Carries.ITS_OWN if is_infer(headers) else Carries.NONE

    def _left_bytes(self, carries: Carries) -> int:
        left_bytes = MAX_ANSWER_BYTES_PER_BATCH - self._sent_bytes - self._next_bytes
        if carries is Carries.NONE and self._open is None and self._complete is None:
            return min(left_bytes, MAX_ONLY_MESSAGE_BYTES - self._next_bytes)
        return left_bytes

    def _send(self) -> None:
        """Send what there is, if an answer may keep the batch open."""
        carrier = self._complete if self._open is None else self._open
        if carrier is None:
            return
        from ts.protocol.otf_message_handler import create_predict_response  # noqa: PLC0415 - ts leaves a file open

        bodies = {carrier: b"", **self._bodies}
        ids = self._context.request_ids  # TorchServe's service sends last to those that are left here
        # It asks of each answer whether it was the last part: False writes STREAM_NEXT, None leaves the headers.
        self._context.stopping_criteria = dict.fromkeys(bodies, _say_nothing) | {carrier: _say_no}
        sent = {index: ids[index] for index in bodies}
        message = create_predict_response(bodies, sent, "Prediction success", 200, self._context)
        self._context.stopping_criteria = None
        self._context.cl_socket.sendall(message)
        for index in bodies.keys() - {self._open}:
            del ids[index]
        self._bodies = {} if self._open is None else {self._open: b""}
        self._sent_bytes, self._next_bytes, self._complete = self._sent_bytes + self._next_bytes, 0, None

    def _set_response(self, index: int, response: Response) -> None:
        self._context.set_response_status(response.status, response.phrase, index)
        elapsed_s = time.perf_counter() - self._started_s
        common = {"content-type": "application/json", "x-inference-time-ms": f"{elapsed_s * 1000:.1f}"}
        for name, value in (common | response.headers).items():
            self._context.set_response_header(index, name, value)
        if not is_rest(self._headers[index]):
            # A StreamPredictions answer that does not say that it is the last is a null pointer in the frontend
            # (GRPCJob), which then kills the worker. Over REST the header would keep the client waiting for more.
            self._context.set_response_header(index, STREAM_NEXT, "false")


def _say_no(_body: bytes) -> bool:
    return False


def _say_nothing(_body: bytes) -> None:
    return None
