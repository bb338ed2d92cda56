"""A batch's answers leave in several messages, as TorchServe's own writer makes them and its frontend reads them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ts.context import Context, RequestProcessor
from ts.protocol.otf_message_handler import create_predict_response

from handler.doors.send import Sender
from handler.payload import Response
from handler.sizes import MAX_ANSWER_BYTES_PER_BATCH, MAX_ONLY_MESSAGE_BYTES, MESSAGE_BYTES, SMALL_ANSWER_BYTES

REST = {"explain": "False"}
INFER = {"body": {"content-type": "application/json"}}
PREDICTIONS: dict[str, Any] = {"body": {"content-type": ""}}
LARGE = MESSAGE_BYTES * 2 // 3


@dataclass
class Told:
    """What the frontend was told of one request, over all messages."""

    body: bytes = b""
    stream_next: list[str | None] = field(default_factory=list)


class Frontend:
    """One batch, and what came of it; it reads as much as the worker writes."""

    def __init__(self, folder: Path, headers: list[dict[str, Any]]) -> None:
        self.context = Context("bert", str(folder), {}, len(headers), None, "1.0")
        self.context.request_processor = [RequestProcessor(each) for each in headers]
        self.context.request_ids = {index: f"id-{index}" for index in range(len(headers))}
        self.context.cl_socket = self
        self.sender = Sender(self.context, headers)
        self.messages: list[bytes] = []

    def take(self, response: Response) -> bool:
        """Hand the answer on if there is room for it, as the handler does."""
        if has_room := self.sender.has_room(response):
            self.sender.add(response)
        return has_room

    def sendall(self, message: bytes) -> None:
        self.messages.append(bytes(message))

    def finish(self) -> dict[str, Told]:
        """The batch's end as ts.service makes it, and all that was told."""
        bodies = self.sender.finish()
        assert len(bodies) == len(self.context._request_processor)
        self.sendall(create_predict_response(bodies, self.context.request_ids, "Prediction success", 200, self.context))
        told: dict[str, Told] = {}
        for message in self.messages:
            for name, body, stream_next in read_message(message):
                one = told.setdefault(name, Told())
                one.body += body
                one.stream_next.append(stream_next)
        return told


def read_message(message: bytes) -> Iterator[tuple[str, bytes, str | None]]:
    """Each answer's id, body and `ts_stream_next`, by the order of fields that ModelResponseDecoder reads."""
    place = 4

    def number() -> int:
        nonlocal place
        place += 4
        return int.from_bytes(message[place - 4 : place], signed=True)

    def blob() -> bytes:
        nonlocal place
        size = number()
        place += size
        return message[place - size : place]

    assert blob() == b"Prediction success"
    while (size := number()) != -1:
        place += size
        name = message[place - size : place].decode()
        blob()
        number()
        blob()
        headers = {blob().decode(): blob().decode() for _ in range(number())}
        yield name, blob(), headers.get("ts_stream_next")
    assert place == len(message)


@pytest.fixture
def body() -> bytes:
    return b"x" * LARGE


def answer(body: bytes, status: int = 200) -> Response:
    return Response(status=status, phrase="OK", body=body, headers={})


def test_small_answers_are_one_message(tmp_path: Path) -> None:
    frontend = Frontend(tmp_path, [REST, PREDICTIONS])
    assert frontend.take(answer(b"one"))
    assert frontend.take(answer(b"two"))
    told = frontend.finish()
    assert len(frontend.messages) == 1
    assert told == {"id-0": Told(b"one", [None]), "id-1": Told(b"two", ["false"])}


def test_rest_is_known_where_the_frontend_adds_no_header_of_its_own(tmp_path: Path) -> None:
    """At /invocations: told that more may follow, a REST client waits for ever."""
    frontend = Frontend(tmp_path, [{**PREDICTIONS, "content-length": "5"}])
    assert frontend.take(answer(b"no", status=404))
    assert frontend.finish() == {"id-0": Told(b"no", [None])}


def test_one_rest_answer_stays_open_until_the_last_message(tmp_path: Path, body: bytes) -> None:
    frontend = Frontend(tmp_path, [REST, REST, PREDICTIONS, REST])
    assert all(frontend.take(answer(body)) for _ in range(4))
    told = frontend.finish()
    assert len(frontend.messages) == 4
    assert all(len(message) < 1.1 * MESSAGE_BYTES for message in frontend.messages)
    assert told["id-0"] == Told(body, ["true", "true", "true", "false"])
    assert told["id-1"] == told["id-3"] == Told(body, [None])
    assert told["id-2"] == Told(body, ["false"])


def test_an_error_over_rest_is_not_left_open(tmp_path: Path, body: bytes) -> None:
    frontend = Frontend(tmp_path, [REST, REST, REST])
    assert frontend.take(answer(b"no", status=422))
    assert frontend.take(answer(body))
    assert frontend.take(answer(body))
    told = frontend.finish()
    assert told["id-0"] == Told(b"no", [None])
    assert told["id-1"] == Told(body, ["true", "false"])


def test_model_infer_carries_its_own_message_and_is_sent_once(tmp_path: Path, body: bytes) -> None:
    frontend = Frontend(tmp_path, [INFER] * 3)
    assert all(frontend.take(answer(body)) for _ in range(3))
    told = frontend.finish()
    assert [told[f"id-{index}"] for index in range(3)] == [
        Told(body, ["true"]),
        Told(body, ["true"]),
        Told(body, ["false"]),
    ]


def test_predictions_alone_are_one_message_that_has_a_largest_size(tmp_path: Path, body: bytes) -> None:
    most = MAX_ONLY_MESSAGE_BYTES // LARGE
    frontend = Frontend(tmp_path, [PREDICTIONS] * (most + 2))
    assert [frontend.take(answer(body)) for _ in range(most + 1)] == [True] * most + [False]
    assert frontend.take(answer(b"x" * SMALL_ANSWER_BYTES))
    assert frontend.take(answer(b"no room", status=503))
    told = frontend.finish()
    assert len(frontend.messages) == 1
    assert all(one.stream_next == ["false"] for one in told.values())


def test_all_messages_of_a_batch_have_a_largest_size_together(tmp_path: Path) -> None:
    quarter = b"x" * (MAX_ANSWER_BYTES_PER_BATCH // 4)
    frontend = Frontend(tmp_path, [REST] * 5)
    assert [frontend.take(answer(quarter)) for _ in range(5)] == [True] * 4 + [False]
    assert frontend.take(answer(b"no room", status=503))
    assert frontend.finish()["id-4"].body == b"no room"


def test_predictions_after_sent_messages_have_room_of_their_own(tmp_path: Path) -> None:
    """What was sent is no part of the one message that they are."""
    part = b"x" * (4 * MESSAGE_BYTES)
    num_infer = MAX_ONLY_MESSAGE_BYTES // len(part) + 1
    frontend = Frontend(tmp_path, [INFER] * num_infer + [PREDICTIONS] * 2)
    assert all(frontend.take(answer(part)) for _ in range(num_infer + 2))
    told = frontend.finish()
    assert len(frontend.messages) == num_infer + 1
    assert {one.body for one in told.values()} == {part}


def test_a_refusal_that_is_large_itself_keeps_its_place(tmp_path: Path, body: bytes) -> None:
    frontend = Frontend(tmp_path, [PREDICTIONS] * 3)
    frontend.sender.add(answer(b"x" * MAX_ONLY_MESSAGE_BYTES))
    assert not frontend.sender.has_room(answer(body, status=503))
    frontend.sender.add(answer(body, status=503))
    frontend.sender.add(answer(b"mine"))
    told = frontend.finish()
    assert [told["id-1"].body, told["id-2"].body] == [body, b"mine"]
