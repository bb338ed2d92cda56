"""The panels as a dashboard in Grafana's own JSON, without what Grafana fills in by itself."""

import string
from collections.abc import Iterator
from typing import Any

from .panels import ROWS, Panel

WIDTH, HEIGHT = 8, 7  # of 24 columns
SCHEMA_VERSION = 39  # Grafana 10 and 11
SOURCE = {"type": "prometheus", "uid": "${source}"}


def dashboard() -> dict[str, Any]:
    """A dashboard that asks for its data source when it is imported."""
    source = {"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    return {
        "uid": "berth",
        "title": "berth",
        "tags": ["berth"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [source]},
        "panels": list(_placed()),
    }


def _placed() -> Iterator[dict[str, Any]]:
    """Yield each row's title, and its panels below it, three beside each other."""
    number, top = 0, 0
    for title, panels in ROWS.items():
        number += 1
        place = {"x": 0, "y": top, "w": 24, "h": 1}
        yield {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}
        for index, panel in enumerate(panels):
            number += 1
            row, column = divmod(index, 24 // WIDTH)
            place = {"x": column * WIDTH, "y": top + 1 + row * HEIGHT, "w": WIDTH, "h": HEIGHT}
            yield _panel(panel) | {"id": number, "gridPos": place}
        top += 1 + -(-len(panels) // (24 // WIDTH)) * HEIGHT


def _panel(panel: Panel) -> dict[str, Any]:
    targets = [
        {"refId": letter, "datasource": SOURCE, "expr": query, "legendFormat": legend}
        for letter, (legend, query) in zip(string.ascii_uppercase, panel.queries.items(), strict=False)
    ]
    return {
        "type": "timeseries",
        "title": panel.title,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": targets,
    }
