"""What the trials of all splits showed, and which split wins. Pure."""

import statistics
from dataclasses import dataclass

from ..memory.split import Split
from .search import Step, best_of

NUM_FINALISTS = 3
"""Splits that are tried a second time, beside `serve`'s own."""
LEAST_GAIN = 1.05  # of requests/s over `serve`'s own split: below it the search's steps and the machine's noise decide


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One split, and what its trials showed."""

    split: Split
    memory_bytes: int
    """What its server takes at the most (docs/memory.md)."""
    trials: tuple[tuple[Step, ...], ...] = ()
    why_not: str = ""
    """Why it was not tried, or not to the end."""

    def rates(self, p99_ms: float) -> list[float]:
        """The highest rate that met the target in each trial that had one."""
        return [step.rate for trial in self.trials if (step := best_of(trial, p99_ms))]

    def peak(self, p99_ms: float) -> Step | None:
        """The mean of what its trials reached within the target; None where one of them never met it."""
        best = [step for trial in self.trials if (step := best_of(trial, p99_ms))]
        if self.why_not or not best or len(best) < len(self.trials):
            return None
        means = {name: statistics.mean(getattr(step, name) for step in best) for name in ("rate", "p50_ms", "p99_ms")}
        return Step(**means, num_errors=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All splits, `serve`'s own first."""

    p99_ms: float
    """The target."""
    results: tuple[Result, ...]

    @property
    def winner(self) -> Result | None:
        """Who answered most requests in time; `serve`'s own split unless another is surely better. None: nobody."""
        rates = self._rates()
        most_tried = max((len(self.results[place].trials) for place in rates), default=0)
        tried = [place for place in rates if len(self.results[place].trials) == most_tried]
        sure = [place for place in tried if place == 0 or self._is_surely_better(self.results[place])]
        return self.results[max(sure, key=lambda place: rates[place])] if sure else None

    @property
    def spread(self) -> float:
        """How many times as much a split answered in one trial as in another, at the most; 1.0 of single trials."""
        trials = [result.rates(self.p99_ms) for result in self.results]
        return max((max(rates) / min(rates) for rates in trials if len(rates) > 1), default=1.0)

    @property
    def gain(self) -> float | None:
        """The winner's requests/s over those of `serve`'s own split; None where either has none."""
        own = self.results[0].peak(self.p99_ms)
        best = self.winner and self.winner.peak(self.p99_ms)
        return best.rate / own.rate if own and best else None

    @property
    def best_p99_ms(self) -> float | None:
        """The lowest p99 of all steps whose requests were all answered; None where there was no such step."""
        steps = (step for result in self.results for trial in result.trials for step in trial)
        return min((step.p99_ms for step in steps if not step.num_errors), default=None)

    def _is_surely_better(self, result: Result) -> bool:
        """Whether each of its trials reached more than any of `serve`'s own split, and the mean LEAST_GAIN times."""
        own, rates = self.results[0].rates(self.p99_ms), result.rates(self.p99_ms)
        if self.results[0].peak(self.p99_ms) is None:
            return True
        return min(rates) > max(own) and statistics.mean(rates) >= LEAST_GAIN * statistics.mean(own)

    def finalists(self) -> list[Split]:
        """The splits to try once more: the NUM_FINALISTS best, and `serve`'s own."""
        rates = self._rates()
        best = sorted(rates, key=lambda index: -rates[index])[:NUM_FINALISTS]
        own = [0] if 0 in rates and 0 not in best else []
        return [self.results[index].split for index in (*best, *own)]

    def _rates(self) -> dict[int, float]:
        """Requests/s by the result's place, of those that met the target."""
        return {place: peak.rate for place, each in enumerate(self.results) if (peak := each.peak(self.p99_ms))}
