"""What the commands that change a server read, and what they say without one."""

import pytest
from typer.testing import CliRunner

from berth.cli.app import app
from berth.cli.rollout.command import parse_percent, parse_seconds
from berth.cli.rollout.order import render_event
from berth.errors import ServerUnreachable, UsageError
from berth.rollout.messages import Event


def test_times_and_shares() -> None:
    assert [parse_seconds(text) for text in ("60s", "0s", "1.5m")] == [60.0, 0.0, 90.0]
    assert [parse_percent(text) for text in ("1%", "99%")] == [1, 99]


@pytest.mark.parametrize("text", ["60", "soon", "-1s", "", "1h"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="60s or 5m"):
        parse_seconds(text)


@pytest.mark.parametrize("text", ["0%", "100%", "10", "x%", "010%"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(UsageError, match="from 1% to 99%"):
        parse_percent(text)


def test_a_canary_is_watched_for_some_time() -> None:
    result = CliRunner().invoke(app, ["rollout", "b.mar", "--canary", "10%", "--observe", "0s"])
    assert isinstance(result.exception, UsageError)
    assert "for no time with --observe 0s" in str(result.exception)


def test_without_a_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTH_HEALTH_ADDRESS", "127.0.0.1:9")
    result = CliRunner().invoke(app, ["rollback"])
    assert isinstance(result.exception, ServerUnreachable)


def test_an_event_for_people_and_for_programs() -> None:
    event = Event(step="proven", text="it answers", facts={"ms": 1})
    assert render_event(event, as_json=False) == "proven     it answers"
    assert render_event(event, as_json=True) == (
        '{"step": "proven", "text": "it answers", "facts": {"ms": 1}, "exit_code": null}'
    )
