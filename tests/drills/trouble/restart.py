"""Started again at once on the same ports, whose connections linger: after SIGTERM, and after SIGKILL."""

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from berth.tune.ports import free_ports
from tests.support.servers import Server, running_server

from ..clients import LOST, NOT_ACCEPTED, RIGHT, WRONG, Asker, Tally
from ..served.models import pack_sample
from ..table import table, verdict
from .counted import asker_of, sum_of, under_load

ENDS = (signal.SIGTERM, signal.SIGKILL) * 2
HEADER = ("ended by", "sent", "right", NOT_ACCEPTED, "lost", "connections that linger", "ready again after s")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """One end under load, and the start after it."""

    tally: Tally
    lingering: int
    again_s: float = 0.0


def run(folder: Path) -> Iterator[str]:
    """Clients go on asking; what they sent to a server that is gone is lost, and counted."""
    archive, cache, ports = pack_sample(folder), folder / "cache", free_ports()
    ends: list[Ended] = []
    for end in (*ENDS, None):
        began_s = time.monotonic()
        with running_server([archive], {"XDG_CACHE_HOME": str(cache)}, ports=ports) as server:
            ready_s = time.monotonic() - began_s
            ends[-1:] = [replace(last, again_s=ready_s) for last in ends[-1:]]
            asker = asker_of(server)
            if end:
                ends.append(end_under_load(server, asker, end))
    yield from table(HEADER, [_row(end, each) for end, each in zip(ENDS, ends, strict=True)])
    yield verdict(all(each.again_s for each in ends), f"{len(ENDS)} starts behind an end found their ports free")
    stopped = [each.tally for end, each in zip(ENDS, ends, strict=True) if end is signal.SIGTERM]
    yield verdict(not sum_of(LOST, *stopped), "none lost at a SIGTERM")
    yield verdict(not sum_of(WRONG, *(each.tally for each in ends)), "none wrong")


def end_under_load(server: Server, asker: Asker, end: signal.Signals) -> Ended:
    """Whose clients go on asking for a while."""
    with under_load(asker) as tally:
        server.process.send_signal(end)
        server.process.wait()
    return Ended(tally=tally, lingering=num_lingering(server.ports["inference"]))


def num_lingering(port: int) -> int:
    """Connections of this port that nobody has any more (TIME_WAIT and its like)."""
    found = psutil.net_connections("tcp")
    return sum(each.laddr.port == port and each.status not in (psutil.CONN_LISTEN,) for each in found if each.laddr)


def _row(end: signal.Signals, each: Ended) -> tuple[object, ...]:
    ends = each.tally.ends
    counts = (ends.total(), ends[RIGHT], ends[NOT_ACCEPTED], ends[LOST])
    return end.name, *counts, each.lingering, f"{each.again_s:.1f}"
