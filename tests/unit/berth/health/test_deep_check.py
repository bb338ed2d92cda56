"""What a deep check's answer means."""

import socket
import threading

import pytest

from berth.health.deep_check import Checked, DeepCheck, Verdict, deep_check
from tests.support.http_standin import JsonHandler, answering


def check(status: int, body: object) -> Checked:
    class Server(JsonHandler):
        def do_GET(self) -> None:  # noqa: N802 - the base class's name
            self.answer(status, body)

    with answering(Server) as url:
        return deep_check(f"{url}/predictions/bert")


def test_a_right_answer() -> None:
    told = {"status": "ok", "engine": "packed"}
    assert check(200, told) == Checked(verdict=Verdict.RIGHT, told=told)
    assert check(200, ["a stranger's"]) == Checked(verdict=Verdict.RIGHT)


@pytest.mark.parametrize("kind", ["ServiceUnavailableException", "NotNow"])
def test_not_now_is_no_verdict(kind: str) -> None:
    assert check(503, {"code": 503, "type": kind, "message": "later"}) == Checked(verdict=Verdict.NONE)


def test_another_answer_than_the_recorded_one_is_wrong() -> None:
    checked = check(503, {"code": 503, "type": "NotHealthy", "message": "off by 1"})
    assert checked.verdict is Verdict.WRONG
    assert "503" in checked.reason
    assert "off by 1" in checked.reason


@pytest.mark.parametrize("status", [500, 503, 507])
def test_any_other_error_is_an_error_and_is_quoted(status: int) -> None:
    checked = check(status, {"code": status, "type": "InternalServerException", "message": "Prediction failed"})
    assert checked.verdict is Verdict.ERROR
    assert "Prediction failed" in checked.reason


def test_an_answer_that_is_no_json_is_an_error() -> None:
    assert check(404, "gone").verdict is Verdict.ERROR


def test_nobody_there_is_an_error() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # and nobody else can listen there
        assert "does not answer" in deep_check(f"http://127.0.0.1:{held.getsockname()[1]}/predictions/bert").reason


def test_a_thread_that_is_not_left_is_an_error_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch and the drain go on after one."""

    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)
    with pytest.raises(OSError, match="can't start new thread"):
        DeepCheck("http://127.0.0.1:9")
