"""The sizes for which forward passes are recorded. Pure.

A batch runs in the smallest bucket that holds it, and what it leaves of the bucket is computed for nothing. Below
FINE_FROM tokens a pass takes about the same time whatever its size (0.6 ms at 16, 1.1 ms at 1,024: BERT-base on an
H100, 2026-11-28), so two buckets to an octave are enough; above, rows cost time, and there are four.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ...config import TOKENS_PER_SLOT

SMALLEST = 8
FINE_FROM = 2048
LONG_TEXT = 512
"""Texts beyond this many tokens have buckets of their own, with few slots: the attention kernel starts threads for
every slot as if its text were the longest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The size of one recorded pass."""

    tokens: int
    """Rows of the stream (T)."""
    slots: int
    """Texts that it holds (N), and rows that a head gets which reads some tokens only."""
    longest: int
    """Most tokens of one text."""

    def holds(self, tokens: int, slots: int, longest: int) -> bool:
        """Whether a batch fits that has so many tokens, takes so many slots and has such a longest text."""
        return tokens <= self.tokens and slots <= self.slots and longest <= self.longest


def make_buckets(token_budget: int, max_tokens: int, slot_cost: int = 0) -> list[Bucket]:
    """Return the buckets of a model, smallest first.

    `max_tokens`: of its longest text; `slot_cost`: what a slot takes of the budget beside its text's tokens.
    """
    short = min(max_tokens, LONG_TEXT)
    sizes = list(_sizes(token_budget))
    buckets = [_bucket(size, size // (TOKENS_PER_SLOT + slot_cost), short) for size in sizes]
    if max_tokens > LONG_TEXT:
        long = [size for size in sizes if size > LONG_TEXT]
        buckets += [_bucket(size, 2 * size // (LONG_TEXT + slot_cost), max_tokens) for size in long]
    return sorted(buckets, key=lambda bucket: (bucket.tokens, bucket.slots))  # the last has most of both


def _bucket(tokens: int, slots: int, longest: int) -> Bucket:
    return Bucket(tokens=tokens, slots=max(1, slots), longest=min(longest, tokens))


def _sizes(token_budget: int) -> Iterator[int]:
    """Yield token counts in even steps of each octave, and the budget itself."""
    octave = SMALLEST
    while octave < token_budget:
        steps = 4 if octave >= FINE_FROM else 2
        yield from (size for step in range(steps) if (size := octave + octave * step // steps) < token_budget)
        octave *= 2
    yield token_budget
