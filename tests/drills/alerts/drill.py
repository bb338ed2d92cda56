"""Does each fault to a real server before a real Prometheus, and times its alerts."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from berth.monitoring.rules import ALERTS, groups
from berth.wait import wait_until
from tests.support.prometheus import Prometheus, running_prometheus

from ..table import verdict
from .faults import FAULTS, Fault
from .scene import Scene, background, running_scene

SCALE = 1 / 60  # an hour becomes a minute
PATIENCE_S = 180.0
LINE = "{:<22}{:<42}{:>15}{:>16}"
Row = tuple[str, float, float]
"""An alert, seconds until it fired and until it had cleared; infinite where it did not."""


def run(folder: Path) -> Iterator[str]:
    rows: list[Row] = []
    yield f"every range and every `for` of the rules x {SCALE:.4f}; no threshold is another"
    yield LINE.format("alert", "made to fire by", "fires after s", "clears after s")
    with running_scene(folder) as scene, watching(scene, folder) as prometheus, background(scene):
        for fault in FAULTS:
            for alert, fires_s, clears_s in suffer(scene, prometheus, fault):
                rows.append((alert, fires_s, clears_s))
                yield LINE.format(alert, fault.name, f"{fires_s:.0f}", f"{clears_s:.0f}")
    yield verdict({alert for alert, *_ in rows} == {alert.name for alert in ALERTS}, "no alert is left out")
    yield verdict(all(max(times) < PATIENCE_S for _, *times in rows), "each fires, and each clears")


def watching(scene: Scene, folder: Path) -> AbstractContextManager[Prometheus]:
    """A Prometheus with the rules in a hurry."""
    target = scene.server.health_url.removeprefix("http://")
    (folder / "prometheus").mkdir()
    return running_prometheus([target], folder / "prometheus", groups(SCALE))


def suffer(scene: Scene, prometheus: Prometheus, fault: Fault) -> list[Row]:
    """One fault, and what its alerts did."""
    began_s = time.monotonic()
    with fault.happening(scene):
        fired = times_s(fault.alerts, began_s, lambda alert: is_firing(prometheus, alert))
        ended_s = time.monotonic()
    cleared = times_s(fault.alerts, ended_s, lambda alert: not is_firing(prometheus, alert))
    return [(alert, fired[alert], cleared[alert]) for alert in fault.alerts]


def times_s(alerts: Sequence[str], began_s: float, is_so: Callable[[str], bool]) -> dict[str, float]:
    """When it was first so of each alert."""
    found: dict[str, float] = {}

    def look() -> bool:
        for alert in alerts:
            if alert not in found and is_so(alert):
                found[alert] = time.monotonic() - began_s
        return len(found) == len(alerts)

    wait_until(look, PATIENCE_S)
    return {alert: found.get(alert, float("inf")) for alert in alerts}


def is_firing(prometheus: Prometheus, alert: str) -> bool:
    """Whether Prometheus would tell somebody now."""
    return bool(prometheus.ask(f'ALERTS{{alertname="{alert}",alertstate="firing"}}'))
