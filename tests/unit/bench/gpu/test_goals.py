"""Goals are read off figures, and say so where a figure is missing."""

import math
from collections.abc import Mapping

import pytest

from bench.gpu.report import judge, to_page

LONE = "served.classification.one.1"
MANY = "served.classification.one.512"


def verdict(figures: Mapping[str, float], text: str, *, counts: bool = True) -> tuple[object, object]:
    """The value and verdict of the goal whose text begins so."""
    (goal,) = [goal for goal in judge(figures, counts=counts) if str(goal["goal"]).startswith(text)]
    return goal["value"], goal["verdict"]


def test_without_figures_nothing_is_measured() -> None:
    assert {(goal["value"], goal["verdict"]) for goal in judge({}, counts=True)} == {(None, "not measured")}


def test_a_bound_is_met_or_not() -> None:
    assert verdict({f"{LONE}.p50_ms": 3.0}, "lone request, class") == (3.0, "met")
    assert verdict({f"{LONE}.p50_ms": 3.1}, "lone request, class") == (3.1, "NOT MET")


def test_figures_of_a_cpu_or_a_small_model_meet_no_goal() -> None:
    assert verdict({f"{LONE}.p50_ms": 1.0}, "lone request, class", counts=False) == (1.0, "not measured")


def test_a_lone_request_is_what_is_left_beyond_kernels_and_the_frontend() -> None:
    figures = {f"{LONE}.p50_ms": 4.0, f"{LONE}.nothing_p50_ms": 2.0, "forward.batch.32.on_device_ms": 0.75}
    assert verdict(figures, "lone request over") == (1.25, "met")


@pytest.mark.parametrize(("nothing", "rate", "expected"), [(10_000, 9_000, "met"), (30_000, 13_999, "NOT MET")])
def test_many_clients_are_bounded_by_the_handler_that_does_nothing(nothing: int, rate: int, expected: str) -> None:
    figures = {f"{MANY}.requests_per_s": rate, f"{MANY}.nothing_requests_per_s": nothing}
    assert verdict(figures, "512 clients: requests/s")[1] == expected


def test_the_best_number_of_clients_counts() -> None:
    lists = "served.classification.lists_128"
    figures = {
        f"{lists}.64.tokens_per_s": 50.0,
        f"{lists}.256.tokens_per_s": 80.0,
        "forward.128.peak_ratio": 0.5,
        "forward.128.tokens_per_s": 100.0,
    }
    value, said = verdict(figures, "lists of 64 texts of 128")
    assert isinstance(value, float)
    assert (math.isclose(value, 0.4), said) == (True, "met")


def test_the_worst_prediction_counts_in_both_directions() -> None:
    figures = {"memory.1.taken_ratio": 1.1, "memory.4.taken_ratio": 0.8}
    value, said = verdict(figures, "memory on the card")
    assert isinstance(value, float)
    assert (math.isclose(value, 0.2), said) == (True, "NOT MET")


def test_a_page_has_every_goal_figure_failure_and_skip() -> None:
    part = {
        "name": "forward",
        "title": "how fast",
        "state": "failed",
        "seconds": 1.5,
        "failures": ["it broke"],
        "skipped": ["no card"],
        "figures": [{"name": "forward.16.tokens_per_s", "value": 12.0, "unit": "1/s"}],
    }
    facts = dict.fromkeys(("date", "commit", "command", "device", "place", "driver", "host", "versions"), "x")
    page = to_page({**facts, "card": "A Card", "is_small": True, "goals": judge({}, counts=False), "parts": [part]})
    wanted = (
        "# On a GPU: A Card",
        "say nothing",
        "failed: it broke",
        "skipped: no card",
        "| forward.16.tokens_per_s |",
    )
    assert [each for each in wanted if each not in page] == []
