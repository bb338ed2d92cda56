"""Which spans are kept: held against the rule, written out over all pairs."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.spans.choose import Span, choose_spans, cross, overlap
from handler.spans.places import count_spans, list_spans

spans = st.builds(
    lambda first, width, kind, score: Span(first, first + width, kind, score),
    st.integers(0, 12),
    st.integers(0, 4),
    st.integers(0, 2),
    st.sampled_from([0.5, 0.6, 0.7, 0.8, 0.9]),
)
MANY = 1000


def words(span: Span) -> set[int]:
    return set(range(span.first, span.last + 1))


def clashes(one: Span, other: Span, *, flat: bool, several_types: bool) -> bool:
    if words(one) == words(other):
        return not several_types
    shared = words(one) & words(other)
    return bool(shared) if flat else bool(shared) and shared not in (words(one), words(other))


@given(st.lists(spans, max_size=25, unique_by=lambda span: span[:3]), st.booleans(), st.booleans())
def test_the_surest_is_kept_and_nothing_that_clashes_with_it(found: list[Span], flat: bool, several: bool) -> None:
    expected: list[Span] = []
    for span in sorted(found, key=lambda span: -span.score):
        if not any(clashes(span, other, flat=flat, several_types=several) for other in expected):
            expected.append(span)
    kept = choose_spans(found, flat=flat, several_types=several, most=MANY)
    assert kept == sorted(expected, key=lambda span: span.first)


def test_it_ends_one_behind_the_most() -> None:
    found = [Span(word, word, 0, 0.9) for word in range(9)]
    assert len(choose_spans(found, flat=True, several_types=False, most=4)) == 5


def test_spans_that_touch_overlap_not_and_one_in_another_crosses_not() -> None:
    assert not overlap((0, 1), (2, 3))
    assert overlap((0, 2), (2, 3))
    assert cross((0, 2), (2, 3))
    assert not cross((0, 3), (2, 3))


@pytest.mark.parametrize(("num_words", "max_width"), [*product((0, 1, 3, 12, 13, 40), (1, 3, 12))])
def test_spans_are_listed_by_their_width(num_words: int, max_width: int) -> None:
    firsts, lasts = list_spans(num_words, max_width)
    expected = [(first, first + width) for width in range(max_width) for first in range(num_words - width)]
    assert list(zip(firsts.tolist(), lasts.tolist(), strict=True)) == expected
    assert count_spans(num_words, max_width) == len(expected)
