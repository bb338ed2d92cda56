"""Very many inputs against a real HTTP server on this machine: order, refused inputs, a server that is away a while."""

import json
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typer.testing import CliRunner

from berth.cli.app import app
from berth.clients import chunks
from berth.clients.chunks import CHUNK_TEXTS, encode
from berth.clients.many import AT_ONCE, PATIENCE_S, Answer, Many
from berth.clients.messages import ServerError
from berth.clients.rest_client import RestClient
from berth.errors import RequestFailed, ServerUnreachable
from tests.support.http_standin import JsonHandler, answering


class Lengths(JsonHandler):
    """A model whose result is the text's length.

    It refuses "bad", as berth's handler does, and "unnamed" without its place. "away" makes it answer 503 twice.
    """

    asked: ClassVar[list[list[str]]] = []
    away: ClassVar[int] = 0

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        inputs = json.loads(self.rfile.read(int(self.headers["content-length"])))["inputs"]
        self.asked.append(inputs)
        if "away" in inputs and type(self).away < 2:
            type(self).away += 1
            self.answer(503, {"code": 503, "type": "ServiceUnavailableException", "message": "no worker"})
        elif self.path != "/predictions/m":
            self.answer(404, {"code": 404, "type": "ModelNotFoundException", "message": "Model not found"})
        elif "bad" in inputs:
            param = f"/inputs/{inputs.index('bad')}/text"
            self.answer(422, {"code": 422, "type": "InvalidInput", "message": "not this", "param": param})
        elif "unnamed" in inputs:
            self.answer(413, {"code": 413, "type": "TooLarge", "message": "one of these"})
        else:
            self.answer(200, [[float(len(text))] for text in inputs])


@pytest.fixture
def url() -> Iterator[str]:
    Lengths.asked.clear()
    Lengths.away = 0
    with answering(Lengths) as address:
        yield address


def many(url: str, model: str = "m", clock: Any = lambda: 0.0) -> Many:
    return Many(RestClient(url), None, model, pause=lambda *_: False, clock=clock)


def plain(answers: Iterator[Answer]) -> list[object]:
    return [answer.error.type if answer.error else answer.result for answer in answers]


def test_answers_come_in_order_over_many_requests(url: str) -> None:
    texts = ["x" * (index % 9) for index in range(3 * AT_ONCE * CHUNK_TEXTS + 5)]
    assert plain(many(url).answers(texts)) == [[float(len(text))] for text in texts]


def test_the_first_answers_come_before_the_last_input_is_read(url: str) -> None:
    read = []

    def texts() -> Iterator[str]:
        for number in range(40 * AT_ONCE * CHUNK_TEXTS):
            read.append(number)
            yield "x"

    answers = many(url).answers(texts())
    next(answers)
    assert len(read) < 2 * (AT_ONCE + 2) * CHUNK_TEXTS
    answers.close()  # type: ignore[attr-defined]  # a generator


def test_a_refused_input_has_its_error_and_its_neighbours_their_answers(url: str) -> None:
    texts: list[str | ServerError] = ["a", "bad", "bbb", "unnamed", "bad", "cc"]
    texts[2:2] = [ServerError(code=400, type="NotParseable", message="no JSON")]
    found = plain(many(url).answers(texts))
    assert found == [[1.0], "InvalidInput", "NotParseable", [3.0], "TooLarge", "InvalidInput", [2.0]]


def test_an_input_is_written_once_however_often_it_is_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[object] = []

    def note(value: object) -> bytes:
        written.append(value)
        return encode(value)

    monkeypatch.setattr(chunks, "encode", note)
    texts = ["a", "bad", "unnamed", *["x"] * CHUNK_TEXTS]
    list(many(url).answers(texts))
    RestClient(url).predict(["one"], model="m")
    assert written == [*texts, "one"]


def test_only_errors_are_answers_too(url: str) -> None:
    error = ServerError(code=400, type="NotParseable", message="no JSON")
    assert plain(many(url).answers([error, error])) == ["NotParseable"] * 2
    assert Lengths.asked == []


def test_a_server_that_is_away_a_while_is_asked_again(url: str) -> None:
    texts = [*["x"] * (AT_ONCE + 2) * CHUNK_TEXTS, "away"]
    asker = many(url)
    list(asker.answers(["x"]))
    assert plain(asker.answers(texts)) == [[float(len(text))] for text in texts]
    assert Lengths.away == 2


def test_one_that_stays_away_ends_it_with_what_it_said(url: str) -> None:
    now = iter([0.0, 0.0, 1.0, PATIENCE_S])
    asker = many(url, clock=lambda: next(now))
    list(asker.answers(["x"]))
    Lengths.away = -10
    with pytest.raises(RequestFailed, match="no worker"):
        list(asker.answers(["away"]))


def test_one_that_was_never_there_is_said_at_once() -> None:
    with pytest.raises(ServerUnreachable):
        list(many("http://127.0.0.1:9").answers(["x"]))


def test_what_is_no_inputs_fault_ends_it(url: str) -> None:
    with pytest.raises(RequestFailed, match="Model not found"):
        list(many(url, "other").answers(["x"]))
    assert len(Lengths.asked) == 1


def test_the_command_names_the_line_and_keeps_what_was_refused(url: str, tmp_path: Path) -> None:
    file, rejects = tmp_path / "in.jsonl", tmp_path / "rejects.jsonl"
    file.write_text("a\nbad\ncc\n")
    options = ["--file", str(file), "--rejects", str(rejects), "--model", "m", "--url", url]
    done = CliRunner().invoke(app, ["predict", *options])
    error = {"code": 422, "type": "InvalidInput", "message": "not this"}
    assert [json.loads(line) for line in done.stdout.splitlines()] == [[1.0], {"error": error}, [2.0]]
    assert str(done.exception) == (
        f"1 of 3 inputs refused: {file}, line 2: not this (422 InvalidInput); they stand in {rejects}"
    )
    assert json.loads(rejects.read_text()) == {"text": "bad", "place": f"{file}, line 2", "error": error}


@pytest.fixture
def ctrl_c() -> Iterator[Callable[[], None]]:
    """Presses Ctrl-C, from any thread."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    signal.signal(signal.SIGINT, before)


class Waiting(JsonHandler):
    """Says that it was asked, and answers when all is over."""

    asked: ClassVar[Callable[[], None]]
    is_over: ClassVar[threading.Event]

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        type(self).asked()
        self.is_over.wait(60)


def test_ctrl_c_waits_for_no_answer(ctrl_c: Callable[[], None]) -> None:
    Waiting.asked, Waiting.is_over = staticmethod(ctrl_c), threading.Event()
    with answering(Waiting) as address:
        before = askers()
        done = CliRunner().invoke(app, ["predict", "x", "--model", "m", "--url", address])
        under_way = [thread for thread in askers() - before if thread.is_alive()]
        Waiting.is_over.set()
    assert len(under_way) == 1
    assert (done.exit_code, done.stdout) == (130, "")
    assert done.stderr == "berth: stopped: what was answered so far is written\n"


def test_nobody_asks_again_for_whom_nobody_waits(url: str, ctrl_c: Callable[[], None]) -> None:
    pauses: list[bool] = []

    def pause(stopped: threading.Event, _: float) -> bool:
        ctrl_c()
        pauses.append(stopped.wait(60))
        return pauses[-1]

    many = Many(RestClient(url), None, "m", pause=pause)
    list(many.answers(["x"]))
    before = askers()
    with pytest.raises(KeyboardInterrupt):
        list(many.answers(["away"]))
    for thread in askers() - before:
        thread.join(60)
    assert (pauses, Lengths.away) == ([True], 1)


def askers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "berth-many"}
