"""What a course plans before it serves anything, and what becomes of its end."""

import os
import shutil
from pathlib import Path

import pytest

from berth.errors import BerthError
from berth.memory.split import Split
from berth.tune.course import QUIET_PERCENT, Course, why_noisy
from berth.tune.outcome import Outcome, Result
from berth.tune.search import Step
from berth.tune.tuning import Tuning, tuning_file

MIB = 2**20


@pytest.fixture
def archive(sample_archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("BERTH_DEVICE", "cpu")
    return Path(shutil.copy(sample_archive, tmp_path))


def outcome_of(split: Split, p99_ms: float) -> Outcome:
    step = Step(rate=100.0, p50_ms=10.0, p99_ms=p99_ms, num_errors=0)
    return Outcome(p99_ms=50.0, results=(Result(split=split, memory_bytes=MIB, trials=((step,), (step,))),))


def test_the_winner_is_written_with_all_that_it_holds_for(archive: Path) -> None:
    course = Course(archive, 50.0, None, os.environ)
    split = course.planned[0].split
    assert course.keep(outcome_of(split, 40.0)) == tuning_file(archive)
    kept = Tuning.from_json(tuning_file(archive).read_text())
    assert (kept.split, kept.target_p99_ms, kept.peak and kept.peak.rate) == (split, 50.0, 100.0)
    assert [path.name for path in archive.parent.iterdir() if "tune" in path.name] == ["bert.tune.json"]


def test_where_none_is_in_time_nothing_is_written(archive: Path) -> None:
    course = Course(archive, 50.0, None, os.environ)
    with pytest.raises(
        BerthError, match=r"no split met the p99 of 50 ms: the best p99 was 60\.0 ms; nothing is written"
    ):
        course.keep(outcome_of(course.planned[0].split, 60.0))
    assert not tuning_file(archive).exists()


def test_what_memory_does_not_hold_is_not_tried(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    roomy = Course(archive, 50.0, None, os.environ)
    assert {result.why_not for result in roomy.planned} == {""}
    least = min(result.memory_bytes for result in roomy.planned)
    tight = least + 16 * MIB
    monkeypatch.setattr("berth.machine.limits._machine_bytes", lambda _root: tight)
    course = Course(archive, 50.0, None, os.environ)
    fitting = [result for result in course.planned if not result.why_not]
    assert 0 < len(fitting) < len(course.planned)
    assert all("would need" in result.why_not for result in course.planned if result not in fitting)
    assert course.num_trials == 2 * len(fitting)


def test_who_shares_the_machine_with_others_is_told() -> None:
    assert why_noisy(QUIET_PERCENT) is None
    assert "other programs keep 55 % of this machine's processors busy" in str(why_noisy(55.2))
