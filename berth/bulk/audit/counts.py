"""What is counted of a corpus. It knows no file."""

from collections import Counter
from typing import Any

import numpy as np

from ..messages import Audited


class Counts:
    """Sums over claims; of each row eight bytes are kept, by which equal ones are found."""

    def __init__(self) -> None:
        self.rows = self._read = self._cut = self._unknown = 0
        self._lengths: Counter[int] = Counter()
        self._errors: Counter[str] = Counter()
        self._digests: list[bytes] = []

    def take(self, found: Audited) -> None:
        """Add a claim."""
        self.rows += found.rows
        self._read += found.read
        self._cut += found.cut
        self._unknown += found.unknown
        self._lengths.update(found.lengths)
        self._errors.update(found.errors)
        self._digests.append(found.digests)

    def to_json(self) -> dict[str, Any]:
        """All of it; shares are 0 to 1, `tokens` counts a row as if nothing were cut, special tokens included."""
        whole = sum(length * count for length, count in self._lengths.items())
        return {
            "rows": self.rows,
            "tokens": whole,
            "tokens_per_row": self._spread(whole),
            "cut_rows": self._cut,
            "never_read_share": _share(whole - self._read, whole),
            "refused_rows": dict(sorted(self._errors.items())),
            "unknown_share": _share(self._unknown, self._read),
            "equal_rows": self._count_equal(),
        }

    def _spread(self, whole: int) -> dict[str, float]:
        """The mean, and the lengths that so many of the rows do not exceed."""
        lengths = sorted(self._lengths)
        ends = np.cumsum([self._lengths[length] for length in lengths])
        if not lengths:
            return {}
        places = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
        at = {name: lengths[int(np.searchsorted(ends, share * ends[-1]))] for name, share in places.items()}
        return {"mean": round(whole / int(ends[-1]), 2), **at}

    def _count_equal(self) -> int:
        """Rows that an earlier one is equal to."""
        digests = np.frombuffer(b"".join(self._digests), np.uint64)
        return self.rows - len(np.unique(digests))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0
