"""Which of the spans that are sure enough are entities, where spans overlap: as gliner chooses (0.2.29, greedy_search).

The surest is kept first. Of the others one is kept where nothing that is kept forbids it.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """One span of words with a type: a candidate, or an entity."""

    first: int
    """Its first word."""
    last: int
    """Its last word."""
    type: int
    """Which of the request's types."""
    score: float


def choose_spans(candidates: Sequence[Span], *, flat: bool, several_types: bool, most: int) -> list[Span]:
    """Return the spans that are kept, at most `most` and one more, by their first word and the surest first.

    `flat`: no two overlap; else one may lie in another. `several_types`: one span may have several types.
    """
    clash = overlap if flat else cross
    kept: list[Span] = []
    ends: defaultdict[int, set[int]] = defaultdict(set)  # by first word
    reach = max((span.last - span.first for span in candidates), default=0)
    for span in sorted(candidates, key=lambda span: -span.score):
        near = ((first, last) for first in range(span.first - reach, span.last + 1) for last in ends.get(first, ()))
        own = span.first, span.last
        if any((not several_types) if own == other else clash(own, other) for other in near):
            continue
        kept.append(span)
        ends[span.first].add(span.last)
        if len(kept) > most:
            break
    return sorted(kept, key=lambda span: span.first)


def overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two spans share a word."""
    return one[0] <= other[1] and other[0] <= one[1]


def cross(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two spans share a word, and neither lies in the other."""
    is_outer = one[0] <= other[0] and other[1] <= one[1]
    is_inner = other[0] <= one[0] and one[1] <= other[1]
    return overlap(one, other) and not is_outer and not is_inner
