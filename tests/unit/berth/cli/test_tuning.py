"""`berth tune` before and after it measures: what it takes, what it refuses at once, what it shows."""

import json
import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

from berth.cli.app import app
from berth.cli.tuning import parse_ms, render_outcome
from berth.errors import Refused, UsageError
from berth.memory.split import Split
from berth.tune.outcome import Outcome, Result
from berth.tune.search import Step

MIB = 2**20


def make_outcome(own_p99_ms: float = 45.0) -> Outcome:
    def trials(rate: float, p99_ms: float) -> tuple[tuple[Step, ...], ...]:
        return ((Step(rate=rate, p50_ms=10.0, p99_ms=p99_ms, num_errors=0),),) * 2

    splits = [Split(workers=workers, threads=2, token_budget=4096) for workers in (1, 2, 4)]
    return Outcome(
        p99_ms=50.0,
        results=(
            Result(split=splits[0], memory_bytes=800 * MIB, trials=trials(100.0, own_p99_ms)),
            Result(split=splits[1], memory_bytes=900 * MIB, trials=trials(150.0, 48.0)),
            Result(split=splits[2], memory_bytes=9000 * MIB, why_not="bert would need 9 GiB of memory"),
        ),
    )


@pytest.mark.parametrize(("text", "ms"), [("50ms", 50.0), ("0.2s", 200.0), ("2.5ms", 2.5), ("1s", 1000.0)])
def test_times(text: str, ms: float) -> None:
    assert parse_ms(text) == ms


@pytest.mark.parametrize("text", ["50", "0ms", "-1ms", "ms", "1m", "1e3ms", "50 ms", ""])
def test_what_is_no_time_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match=r"such as 50ms or 0\.2s"):
        parse_ms(text)


def test_the_table_marks_the_best_and_says_what_it_gains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    shown = render_outcome(make_outcome(), as_json=False)
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.splitlines() if line.startswith("│")]
    assert rows == [
        ["default", "1", "2", "4096", "100", "10.0", "45.0", "800 MiB"],
        ["best", "2", "2", "4096", "150", "10.0", "48.0", "900 MiB"],
        ["", "4", "2", "4096", "not tried", "", "", "8.79 GiB"],
    ]
    assert "4 workers x 2 threads, 4096 tokens a pass: bert would need 9 GiB of memory" in shown
    assert "1.50 times the requests/s of the default" in shown
    assert "did not meet the target" in render_outcome(make_outcome(own_p99_ms=60.0), as_json=False)


def test_json_has_every_step() -> None:
    found = json.loads(render_outcome(make_outcome(), as_json=True))
    assert found["gain"] == 1.5
    assert [each["is_best"] for each in found["results"]] == [False, True, False]
    assert [each["peak"] and each["peak"]["rate"] for each in found["results"]] == [100.0, 150.0, None]
    assert [len(each["trials"]) for each in found["results"]] == [2, 2, 0]
    unanswered = make_outcome(own_p99_ms=math.inf)
    assert json.loads(render_outcome(unanswered, as_json=True))["results"][0]["trials"][0][0]["p99_ms"] is None


@pytest.mark.parametrize(
    ("archive", "kind", "words"),
    [("/proc/bert.mar", Refused, "cannot be written"), ("absent.mar", Refused, "does not exist")],
)
def test_what_cannot_be_tuned_is_said_before_anything_is_measured(
    tmp_path: Path, archive: str, kind: type[Exception], words: str
) -> None:
    result = CliRunner().invoke(app, ["tune", str(tmp_path / archive), "--p99", "50ms"])
    assert isinstance(result.exception, kind)
    assert words in str(result.exception)
    assert result.stdout == ""
