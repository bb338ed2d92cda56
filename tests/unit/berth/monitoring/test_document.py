"""docs/metrics.md has the launcher's and the front's tables as they are shown."""

import re
from pathlib import Path

import pytest

from berth.exposition import Family
from berth.front.reports.metrics import FAMILIES as FRONT
from berth.monitoring.families import FAMILIES as LAUNCHER

DOCUMENT = (Path(__file__).parents[4] / "docs" / "metrics.md").read_text("utf-8")
SECTIONS = {title: body for title, _, body in (part.partition("\n") for part in DOCUMENT.split("\n## "))}


@pytest.mark.parametrize(
    ("section", "families"), [("The launcher's own", LAUNCHER), ("The front's own", FRONT)], ids=["launcher", "front"]
)
def test_the_table_is_what_is_shown(section: str, families: tuple[Family, ...]) -> None:
    rows = re.findall(r"^\| `berth_.*$", SECTIONS[section], re.MULTILINE)
    assert rows == [
        f"| `{family.name}` | {family.kind} | {family.unit} | "
        f"{family.meaning}{''.join(f'; label `{label}`' for label in family.labels)} |"
        for family in families
    ]
