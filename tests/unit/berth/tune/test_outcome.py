"""Who wins, of trials that are given."""

from berth.memory.split import Split
from berth.tune.outcome import Outcome, Result
from berth.tune.search import Step

TARGET_MS = 50.0


def result(workers: int, *rates: float, why_not: str = "", p99_ms: float = 40.0) -> Result:
    """A split whose trials each had one step at that rate."""
    trials = tuple((Step(rate=rate, p50_ms=10.0, p99_ms=p99_ms, num_errors=0),) for rate in rates)
    split = Split(workers=workers, threads=1, token_budget=512)
    return Result(split=split, memory_bytes=1, trials=trials, why_not=why_not)


def outcome(*results: Result) -> Outcome:
    return Outcome(p99_ms=TARGET_MS, results=results)


def test_the_mean_of_the_finalists_trials_decides() -> None:
    found = outcome(result(1, 100, 102), result(2, 180, 100), result(3, 150, 152), result(4, 170))
    assert found.winner is found.results[2]
    assert found.gain == 151 / 101


def test_the_default_stays_unless_another_is_clearly_better() -> None:
    found = outcome(result(1, 100, 100), result(2, 103, 104))
    assert found.winner is found.results[0]
    assert found.gain == 1.0
    better = outcome(result(1, 100, 100), result(2, 105, 106))
    assert better.winner is better.results[1]


def test_a_split_that_failed_once_does_not_win() -> None:
    late = Result(
        split=Split(workers=2, threads=1, token_budget=512),
        memory_bytes=1,
        trials=(*result(2, 300).trials, *result(2, 300, p99_ms=60.0).trials),
    )
    assert outcome(result(1, 100, 100), late).winner == result(1, 100, 100)
    assert outcome(result(1, 100), result(2, 300, why_not="it ended")).winner == result(1, 100)


def test_where_none_is_in_time_the_best_is_told() -> None:
    found = outcome(result(1, 100, p99_ms=70.0), result(2, 100, p99_ms=60.0), result(3, why_not="no memory"))
    assert (found.winner, found.gain, found.best_p99_ms, found.finalists()) == (None, None, 60.0, [])
    assert outcome(result(3, why_not="no memory")).best_p99_ms is None


def test_a_default_that_is_late_loses_and_has_no_ratio() -> None:
    found = outcome(result(1, 100, p99_ms=70.0), result(2, 90, 90))
    assert found.winner is found.results[1]
    assert found.gain is None


def test_finalists_are_the_best_and_the_default() -> None:
    found = outcome(*(result(workers, 100 + workers) for workers in range(1, 7)))
    assert [split.workers for split in found.finalists()] == [6, 5, 4, 1]
    assert [split.workers for split in outcome(*found.results[::-1]).finalists()] == [6, 5, 4]
