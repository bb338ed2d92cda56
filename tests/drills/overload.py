"""Ten times the requests that a server can answer, for a minute, whatever becomes of them (an open loop)."""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.load import LoadPlan, apply_load
from bench.stats import percentile
from berth.tune.open_loop import OpenLoop, Sent, run_open_loop
from tests.support.servers import Server, running_server

from .load.pss import sampled_bytes
from .served.models import pack_sample
from .table import table, verdict

TIMES = 10
DURATION_S = 60.0
DEADLINE_S = 2.0
REFUSED_S = 0.05
SETTLED_S = 10.0  # from then on memory is flat
RECOVERY_S = 5.0
NUM_AT_ONCE = 600
AT_ONCE_S = 0.01
NUM_TEXTS = 2000
MAX_GROWTH, LEAST_SPEED = 1.1, 0.9
TEXTS = [f"a boat on the river in the cold morning number {number}" for number in range(NUM_TEXTS)]


@dataclass(frozen=True, kw_only=True)
class Overload:
    """One run."""

    sent: Sequence[Sent]
    own_cores: float
    """What the generator took, of one core."""
    growth: float
    """Memory of all processes at the end, as a multiple of what it was after SETTLED_S."""

    def times_s(self, status: int) -> list[float]:
        return [each.latency_s for each in self.sent if each.status == status]


def run(folder: Path) -> Iterator[str]:
    with running_server([pack_sample(folder)]) as server:
        capacity = measure_rate(server, 5.0)
        found = overload(server, capacity * TIMES)
        after = measure_rate(server, RECOVERY_S)
        at_once = ask_at_once(server)
    answered, refused = found.times_s(200), found.times_s(503)
    ends = Counter(each.status for each in found.sent)
    yield f"{capacity:.0f} requests/s at the most, {capacity * TIMES:.0f} sent for {DURATION_S:.0f} s"
    yield f"generator: {found.own_cores:.2f} of {os.cpu_count()} cores; memory at the end: {found.growth:.2f} of before"
    yield from table(("status", "requests", "p50 ms", "p99 ms"), [_row(200, answered), _row(503, refused)])
    lost = len(found.sent) - len(answered) - len(refused)
    yield verdict(lost == 0, f"{len(found.sent)} sent = {ends[200]} answered + {ends[503]} refused, {lost} others")
    yield verdict(percentile(answered, 99) <= DEADLINE_S, f"p99 of answers within the deadline of {DEADLINE_S:g} s")
    yield verdict(percentile(refused, 99) <= REFUSED_S, f"p99 of refusals within {REFUSED_S * 1000:.0f} ms")
    yield verdict(found.growth <= MAX_GROWTH, f"memory grows by no more than {MAX_GROWTH - 1:.0%}")
    yield verdict(
        after >= LEAST_SPEED * capacity, f"{RECOVERY_S:.0f} s after it: {after:.0f} requests/s of {capacity:.0f}"
    )

    yield from _said_of_burst(at_once)


def evenly(rate: float, duration_s: float) -> list[float]:
    """Arrivals at a fixed rate, in requests/s."""
    return [number / rate for number in range(round(rate * duration_s))]


def ask_at_once(server: Server) -> Sequence[Sent]:
    """So many clients at one moment, each with one request that it does not send again."""
    bodies = [json.dumps({"inputs": text}).encode() for text in TEXTS]
    arrivals_s = evenly(NUM_AT_ONCE / AT_ONCE_S, AT_ONCE_S)
    return run_open_loop(OpenLoop(url=_url(server), bodies=bodies, arrivals_s=arrivals_s))


def _said_of_burst(sent: Sequence[Sent]) -> Iterator[str]:
    answered = [each.latency_s for each in sent if each.status == 200]
    yield verdict(
        len(answered) == len(sent) == NUM_AT_ONCE,
        f"{NUM_AT_ONCE} clients at once: {len(answered)} answered, the last after {max(answered, default=0.0):.1f} s",
    )


def measure_rate(server: Server, warm_up_s: float) -> float:
    """Requests that are answered in a second, after so many seconds."""
    plan = LoadPlan(url=_url(server), texts=TEXTS, clients=128, warm_up_s=warm_up_s, duration_s=10.0, is_patient=True)
    return len(apply_load(plan).exchanges) / plan.duration_s


def overload(server: Server, rate: float) -> Overload:
    loop = OpenLoop(
        url=_url(server),
        bodies=[json.dumps({"inputs": text}).encode() for text in TEXTS],
        arrivals_s=evenly(rate, DURATION_S),
        headers={"x-timeout-ms": f"{DEADLINE_S * 1000:.0f}"},
    )
    began_s, began_cpu_s = time.perf_counter(), psutil.Process().cpu_times()
    with sampled_bytes(server, [SETTLED_S, DURATION_S - 1]) as samples:
        sent = run_open_loop(loop)
    cpu = psutil.Process().cpu_times()
    used_s = cpu.user + cpu.system - began_cpu_s.user - began_cpu_s.system
    first, last = samples
    return Overload(sent=sent, own_cores=used_s / (time.perf_counter() - began_s), growth=last / first)


def _row(status: int, times_s: Sequence[float]) -> tuple[object, ...]:
    return status, len(times_s), *(f"{percentile(times_s, part) * 1000:.0f}" for part in (50, 99))


def _url(server: Server) -> str:
    return f"{server.inference_url}/predictions/bert"
