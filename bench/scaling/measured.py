"""Service times that were measured: of a page that bench.peers wrote."""

import json
import statistics
from pathlib import Path

from .pod import ServiceTime

PEER, MIX = "berth", "lognormal, mean 24"


def service_time(page: Path, model: str) -> ServiceTime:
    """What berth's lone client and closed loop say together, as medians over the rounds."""
    cells = json.loads(page.read_text("utf-8"))["models"][model]["cells"]
    mine = [cell for cell in cells if (cell["peer"], cell["mix"], cell["void"]) == (PEER, MIX, "")]
    lone = [cell["p50_ms"] / 1000 for cell in mine if cell["kind"] == "lone"]
    closed = [(cell["load"], cell["rps"]) for cell in mine if cell["kind"] == "closed"]
    rps = statistics.median(rate for _, rate in closed)
    return ServiceTime.fit(lone_s=statistics.median(lone), clients=int(closed[0][0]), rps=rps)
