"""Statistics of several runs: values are kept, statistics derived from them. Pure."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The median, the lowest and the highest value of a figure over all runs."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """The spread of these values; ValueError when there is none."""
        return cls(median=statistics.median(values), low=min(values), high=max(values))

    def to_text(self, digits: int = 1) -> str:
        """The spread as text: `4.2 (4.0..4.4)`."""
        return f"{self.median:.{digits}f} ({self.low:.{digits}f}..{self.high:.{digits}f})"


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` % of the values do not exceed (nearest rank): one that was seen."""
    rank = math.ceil(len(values) * percent / 100)
    return sorted(values)[max(rank, 1) - 1]
