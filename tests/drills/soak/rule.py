"""Whether a figure is flat over a soak, by a rule that is stated before. Pure.

The first half of a run is its warm-up and does not count: java's heap grows until it has been collected a few times,
java compiles what is used often, and a heap is as large as the largest of the batches that have come, of which a new
one is the rarer the more there were: what fills up slows down, what leaks does not. Of the second half the median of
the last third is compared with that of the first.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

WARM_UP = 0.5  # of the run


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How much more the last third may be than the first, as a share of it and at least by `allowed`."""

    share: float
    allowed: float

    def is_flat(self, values: Sequence[float]) -> bool:
        """Whether the figure has grown by no more than that."""
        first, last = thirds(values)
        return last - first <= max(self.share * first, self.allowed)


MEMORY = Rule(share=0.05, allowed=8.0)  # MiB
MEDIAN = Rule(share=0.25, allowed=3.0)  # ms: other programs run on the machine too
TAIL = Rule(share=0.5, allowed=20.0)  # ms


def thirds(values: Sequence[float]) -> tuple[float, float]:
    """The medians of the first and the last third behind the warm-up."""
    counted = values[int(len(values) * WARM_UP) :]
    size = max(1, len(counted) // 3)
    return statistics.median(counted[:size]), statistics.median(counted[-size:])
