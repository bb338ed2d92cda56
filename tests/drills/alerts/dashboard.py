"""Every query of the dashboard with its values under load, and a picture of them in docs/monitoring/.

Grafana is in no package of PyPI, Debian or npm: the picture is drawn of what a real Prometheus answers
to the panels' own queries.
"""

import itertools
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

from berth.monitoring.panels import PANELS, Panel
from berth.monitoring.rules import groups
from berth.wait import wait_until
from tests.support.prometheus import Prometheus, running_prometheus
from tests.support.servers import Server, running_server

from ..served.models import pack_sample
from ..table import verdict
from .clients import asking_texts

LOAD_S = 60.0
WINDOW = "15s"
STEP_S = 1
PICTURE = Path(__file__).parents[3] / "docs" / "monitoring" / "dashboard.png"
COLUMNS, WIDTH, HEIGHT = 3, 5.2, 2.6  # inches of a panel
ROOM_ABOVE = 1.4  # for the legend
LABEL = re.compile(r"\{\{(\w+)\}\}")
SHOWN = [panel for panel in PANELS if not panel.needs_gpu]
Series = tuple[str, Sequence[float], Sequence[float]]
"""A legend, seconds since the beginning, values."""


def run(folder: Path) -> Iterator[str]:
    with running_server([pack_sample(folder)]) as server, watching(server, folder) as prometheus:
        began_s = time.time()
        with asking_texts(server):
            wait_until(lambda: False, LOAD_S)
        found = {panel.title: list(series(prometheus, panel, began_s)) for panel in SHOWN}
    empty = [query for panel in SHOWN for query in panel.queries if not found[panel.title]]
    for title, lines in found.items():
        yield title
        yield from (f"    {legend:<58}{values[-1]:>16.6g}" for legend, _, values in lines)
    draw(found)
    yield verdict(not empty, f"every panel has values under load, {len(SHOWN)} of {len(PANELS)}; the others need a GPU")


def watching(server: Server, folder: Path) -> Any:
    """A Prometheus that scrapes both addresses."""
    targets = [url.removeprefix("http://") for url in (server.metrics_url, server.health_url)]
    (folder / "prometheus").mkdir()
    return running_prometheus(targets, folder / "prometheus", [{**group, "interval": "1s"} for group in groups(0.05)])


def series(prometheus: Prometheus, panel: Panel, began_s: float) -> Iterator[Series]:
    """Every series of a panel, from the beginning until now."""
    for legend, query in panel.queries.items():
        asked = {
            "query": query.replace("$__rate_interval", WINDOW),
            "start": str(began_s),
            "end": str(time.time()),
            "step": str(STEP_S),
        }
        answer = requests.get(f"{prometheus.url}/api/v1/query_range", params=asked, timeout=30).json()
        for each in answer["data"]["result"]:
            times, values = zip(*((float(at) - began_s, float(value)) for at, value in each["values"]), strict=True)
            yield named(legend, each["metric"]), times, values


def named(legend: str, labels: Mapping[str, str]) -> str:
    """A legend with the values of a series' labels."""
    return LABEL.sub(lambda found: labels.get(found[1], ""), legend)


def draw(found: Mapping[str, Sequence[Series]]) -> None:
    """Draw every panel, three beside each other."""
    from matplotlib import pyplot  # noqa: PLC0415 - for the picture alone

    rows = -(-len(SHOWN) // COLUMNS)
    figure, grid = pyplot.subplots(rows, COLUMNS, figsize=(COLUMNS * WIDTH, rows * HEIGHT), layout="constrained")
    for panel, axes in itertools.zip_longest(SHOWN, grid.flat):
        if panel is None:
            axes.axis("off")
            continue
        for legend, times, values in seen(found[panel.title]):
            axes.plot(times, values, label=legend, linewidth=1)
        axes.set_title(f"{panel.title} ({panel.unit})", fontsize=9, loc="left")
        axes.tick_params(labelsize=7)
        axes.set_ylim(0, ROOM_ABOVE * axes.get_ylim()[1])
        axes.legend(fontsize=6, loc="upper left", frameon=False)
    figure.savefig(PICTURE, dpi=80)


def seen(lines: Sequence[Series]) -> Sequence[Series]:
    """The series that were ever above 0; all of them where none was."""
    return [line for line in lines if any(value > 0 for value in line[2])] or lines
