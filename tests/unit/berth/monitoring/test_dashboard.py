"""The dashboard asks for nothing that is not documented, and leaves no number of berth's out."""

import re
from itertools import combinations
from pathlib import Path

from berth.monitoring.dashboard import dashboard
from berth.monitoring.panels import PANELS
from berth.monitoring.rules import ALERTS, records

ROOT = Path(__file__).parents[4]
DOCUMENTED = set(re.findall(r"^\| `(berth_\w+)`", (ROOT / "docs" / "metrics.md").read_text("utf-8"), re.MULTILINE))
QUERIES = [query for panel in PANELS for query in panel.queries.values()]


def asked(query: str) -> set[str]:
    """The metrics of a query, a histogram by its own name."""
    names = set(re.findall(r"\bberth_\w+", query))
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}


def test_every_query_asks_for_what_the_table_has() -> None:
    rules = [*(each.is_ for each in records()), *(alert.when for alert in ALERTS)]
    assert all(asked(query) <= DOCUMENTED for query in (*QUERIES, *rules))


def test_every_number_is_on_the_dashboard() -> None:
    assert set().union(*map(asked, QUERIES)) == DOCUMENTED
    recorded = {each.name for each in records()}
    assert {name for query in QUERIES for name in re.findall(r"berth:[\w:]+", query)} <= recorded


def test_no_panel_lies_on_another() -> None:
    panels = dashboard()["panels"]
    places = [panel["gridPos"] for panel in panels]
    assert not any(overlap(one, other) for one, other in combinations(places, 2))
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(place["x"] + place["w"] <= 24 for place in places)


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
    above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    return not (beside or above)
