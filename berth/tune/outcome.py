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
        """Who answered most requests in time; `serve`'s own split unless another is clearly better. None: nobody."""
        rates = self._rates()
        if not rates:
            return None
        most_tried = max(len(self.results[index].trials) for index in rates)
        sure = [index for index in rates if len(self.results[index].trials) == most_tried]
        best = max(sure, key=lambda index: rates[index])
        return self.results[0 if rates.get(0, 0.0) * LEAST_GAIN > rates[best] else best]

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

    def finalists(self) -> list[Split]:
        """The splits to try once more: the NUM_FINALISTS best, and `serve`'s own."""
        rates = self._rates()
        best = sorted(rates, key=lambda index: -rates[index])[:NUM_FINALISTS]
        own = [0] if 0 in rates and 0 not in best else []
        return [self.results[index].split for index in (*best, *own)]

    def _rates(self) -> dict[int, float]:
        """Requests/s by the result's place, of those that met the target."""
        return {place: peak.rate for place, each in enumerate(self.results) if (peak := each.peak(self.p99_ms))}
