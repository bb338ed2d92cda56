"""Buckets are fine enough, and few."""

import random
from collections.abc import Callable

import pytest

from handler.config import TOKEN_BUDGETS
from handler.engine.graphs.buckets import Bucket, make_buckets

BUDGET = TOKEN_BUDGETS["cuda"]
CLIENTS = (1, 2, 4, 8, 16, 32, 64)
MIXES: dict[str, Callable[[random.Random], int]] = {
    "lognormal, mean 24": lambda chance: min(512, max(3, round(chance.lognormvariate(2.85, 0.8)))),
    "6 to 18": lambda chance: chance.randint(6, 18),
    "8 to 256": lambda chance: chance.randint(8, 256),
    "all 512": lambda _: 512,
}


def batches_of(mix: str) -> list[list[int]]:
    """Lengths of the texts of 200 batches for each number of clients, each within the budget."""
    chance = random.Random(16)
    batches = []
    for clients in CLIENTS:
        for _ in range(200):
            lengths = [MIXES[mix](chance) for _ in range(clients)]
            while sum(lengths) > BUDGET:
                cut = next(place for place in range(len(lengths)) if sum(lengths[: place + 1]) > BUDGET)
                batches.append(lengths[:cut])
                lengths = lengths[cut:]
            batches.append(lengths)
    return batches


def bucket_of(buckets: list[Bucket], lengths: list[int]) -> Bucket:
    return next(bucket for bucket in buckets if bucket.holds(sum(lengths), len(lengths), max(lengths)))


@pytest.mark.parametrize("mix", MIXES)
def test_at_most_a_quarter_of_the_rows_is_unused(mix: str) -> None:
    buckets = make_buckets(BUDGET, max_tokens=512)
    pairs = [(bucket_of(buckets, lengths).tokens, sum(lengths)) for lengths in batches_of(mix)]
    rows, used = (sum(column) for column in zip(*pairs, strict=True))
    assert 1 - used / rows <= 0.25, f"{1 - used / rows:.1%}"


def test_mean_of_the_lognormal_texts_is_24() -> None:
    chance = random.Random(16)
    assert sum(MIXES["lognormal, mean 24"](chance) for _ in range(20_000)) / 20_000 == pytest.approx(24, rel=0.02)


def test_sizes_grow_by_a_half_or_a_third_and_then_by_a_quarter_or_less() -> None:
    sizes = [bucket.tokens for bucket in make_buckets(BUDGET, max_tokens=512)]
    assert sizes[:6] == [8, 12, 16, 24, 32, 48]
    assert sizes[-5:] == [8192, 10240, 12288, 14336, 16384]
    assert len(sizes) == 29


@pytest.mark.parametrize("budget", [1, 8, 100, 512, 10_000])
def test_the_largest_is_the_budget_whatever_that_is(budget: int) -> None:
    buckets = make_buckets(budget, max_tokens=512)
    assert buckets[-1].tokens == budget
    assert all(bucket.slots >= 1 for bucket in buckets)
    assert all(bucket.longest == min(512, bucket.tokens) for bucket in buckets)


def test_a_text_longer_than_512_tokens_has_buckets_with_few_slots() -> None:
    buckets = make_buckets(BUDGET, max_tokens=8192)
    assert bucket_of(buckets, [8192]) == Bucket(tokens=8192, slots=32, longest=8192)
    assert bucket_of(buckets, [600, 30]) == Bucket(tokens=768, slots=3, longest=768)
    assert bucket_of(buckets, [150] * 4) == Bucket(tokens=768, slots=128, longest=512)
    assert (buckets[-1].slots, buckets[-1].tokens) == (BUDGET // 6, BUDGET)


def test_slots_that_cost_are_fewer() -> None:
    assert make_buckets(BUDGET, 512, slot_cost=7)[-1].slots == BUDGET // 13
