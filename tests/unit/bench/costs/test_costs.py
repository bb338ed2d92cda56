"""Prices have sources, sums are right, and the page that is kept is what its command writes."""

from dataclasses import replace

import pytest

from bench.costs.__main__ import MACHINE, render
from bench.costs.page import claim_lines, dollars_per_million, hosted_table, machine_table
from bench.costs.prices import Price, machine, prices
from bench.costs.rates import Rate, cpu_rates
from bench.machine import REPOSITORY

PRICE = Price(name="a", dollars=0.1, unit="1 M tokens", source="a page", read="2026-11-30")


def rate(lone_p50_ms: float, rps: float) -> Rate:
    return Rate(where="here", model="BERT-base", lone_p50_ms=lone_p50_ms, rps=rps, clients=32, page="a")


def test_a_million_texts_at_a_hundred_a_second_are_ten_thousand_seconds() -> None:
    assert dollars_per_million(0.36, 100.0) == pytest.approx(1.0)


def test_hosted_prices_are_by_the_tokens_of_a_text() -> None:
    assert "| 2.50 " in hosted_table([PRICE], 25.0)


def test_machines_are_compared_with_the_one_whose_price_the_page_takes() -> None:
    assert prices("machines")[0] == machine(MACHINE)
    assert "| 2.50 " in machine_table([PRICE, replace(PRICE, name="b", dollars=0.25)])


def test_the_claim_is_held_against_the_best_cpu() -> None:
    lines = claim_lines([rate(100.0, 30.0), rate(44.0, 29.0)], [rate(11.0, 300.0), rate(4.4, 3000.0)])
    assert "44 ms alone, 30 requests/s" in lines
    assert "4.0 to 10.0 times as fast" in lines
    assert "10 to 100 times as many" in lines
    assert "3 to 13 times\nwhat one of many costs on the card, and 1 to 3 times on two cores" in lines


def test_rates_are_the_pages_own() -> None:
    found = {(each.page, each.where.rpartition(": ")[2]): each for each in cpu_rates()}
    base = found["peers-avx2-base", "berth"]
    assert (base.model, base.rps) == ("BERT-base", 30.0)
    assert base.lone_p50_ms == pytest.approx(100.0, abs=0.1)


@pytest.mark.parametrize("kind", ["machines", "hosted"])
def test_every_price_says_where_and_when_it_was_read(kind: str) -> None:
    assert all(price.source and price.read and price.dollars > 0 for price in prices(kind))
    assert machine("e2-standard-4").unit.startswith("hour")


def test_the_kept_page_is_what_the_command_writes() -> None:
    assert (REPOSITORY / "docs/bench/costs.md").read_text("utf-8") == render()
