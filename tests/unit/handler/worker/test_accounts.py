"""What goes wrong with metrics and traces is logged, and takes nobody's answer."""

import logging

import pytest

from handler.errors import NotParseable
from handler.payload import Rejected, Response
from handler.worker.accounts import Accounts
from handler.worker.metrics import REQUEST_SECONDS, REQUESTS_TOTAL, Emitter
from handler.worker.traces import NoTraces

ITEM, RESPONSE = Rejected(NotParseable("no")), Response(status=400, phrase="", body=b"", headers={})


def note(accounts: Accounts) -> None:
    stopwatch = accounts.stopwatch()
    with stopwatch.measure(REQUEST_SECONDS):
        pass
    accounts.note(stopwatch, [{}], [ITEM], [None], [RESPONSE])


def test_a_batch_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    accounts = Accounts("bert", "1.0")
    with caplog.at_level(logging.INFO):
        note(accounts)
    assert f"[METRICS]{REQUESTS_TOTAL.name}.Count:1|" in caplog.text
    assert "error" not in caplog.text.lower().replace("berth_errors_total", "")


@pytest.mark.parametrize("broken", [(Emitter, "emit"), (NoTraces, "end")])
def test_an_error_is_logged_alone(
    broken: tuple[type, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise OSError("the collector is gone")

    accounts = Accounts("bert", "1.0")
    monkeypatch.setattr(*broken, fail)
    note(accounts)
    assert "could not be counted or traced" in caplog.text
    assert "the collector is gone" in caplog.text
