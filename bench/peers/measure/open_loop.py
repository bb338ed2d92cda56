"""Requests that come when they come: seeded Poisson arrivals, latency from the moment when each was due."""

import asyncio
import gc
import random
import time
from collections.abc import Sequence

from tests.support.front.open_loop import TICK_S, Clients, OpenLoop, Sent

PATIENCE_S = 30.0


def poisson_arrivals(rate: float, duration_s: float, seed: int) -> list[float]:
    """Seconds from the start at which requests are due: on average `rate` a second, as independent clients come."""
    chooser = random.Random(seed)
    arrivals, at_s = [], chooser.expovariate(rate)
    while at_s < duration_s:
        arrivals.append(at_s)
        at_s += chooser.expovariate(rate)
    return arrivals


def send_at(url: str, bodies: Sequence[bytes], arrivals_s: Sequence[float]) -> list[Sent]:
    """Send a request at each of these moments, whatever has become of the others, and wait for the answers."""
    loop = OpenLoop(url=url, bodies=bodies, rate=0, duration_s=0, patience_s=PATIENCE_S)
    gc.disable()  # a collection would stop the generator, and be in the times
    try:
        return asyncio.run(_send(loop, arrivals_s))
    finally:
        gc.enable()


async def _send(loop: OpenLoop, arrivals_s: Sequence[float]) -> list[Sent]:
    clients, began_s = Clients(loop), time.perf_counter()
    for at_s in arrivals_s:
        while (left_s := began_s + at_s - time.perf_counter()) > 0:
            await asyncio.sleep(min(left_s, TICK_S))
        clients.send(Sent(due_s=began_s + at_s))
    return await clients.finish(loop.patience_s)
