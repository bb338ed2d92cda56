"""A steady load around a trouble, and the line that says what became of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.servers import Server

from ..clients import LOST, RIGHT, WRONG, Asker, Tally, asking
from ..starts import is_ready

NUM_CLIENTS = 8
CALM_S = 3.0
WHOLE_S = 120.0
HEADER = ("under load", "sent", "right", "refused", "wrong", "lost", "longest gap s", "then")


def asker_of(server: Server) -> Asker:
    """Asks for one text at a time, so that many requests are counted."""
    return Asker(server, num_texts=1)


@contextmanager
def under_load(asker: Asker) -> Iterator[Tally]:
    """Clients that ask before, during and after the block."""
    tally = Tally()
    with asking(asker, NUM_CLIENTS, tally):
        time.sleep(CALM_S)
        yield tally
        time.sleep(CALM_S)


def row(what: str, tally: Tally, then: str = "") -> tuple[object, ...]:
    """For a table with HEADER."""
    ends, gap = tally.ends, f"{tally.longest_gap_s():.1f}"
    refused = {end: number for end, number in sorted(ends.items()) if end not in (RIGHT, WRONG, LOST)}
    said = ", ".join(f"{number} x {status}" for status, number in refused.items())
    return what, ends.total(), ends[RIGHT], said or 0, ends[WRONG], ends[LOST], gap, then


def require_ready(server: Server) -> None:
    """Wait until /ready says yes."""
    server.require(lambda: is_ready(server), WHOLE_S, "ready again")


def sum_of(end: str, *tallies: Tally) -> int:
    """How many requests ended so."""
    return sum(tally.ends[end] for tally in tallies)
