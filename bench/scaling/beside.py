"""One step of load on a real server, and the same arrivals in the simulation: requests under way, and their times.

By default the server's worker takes a stated time for each batch (bench/rivals/timed_handler.py), so that what is
compared is the queue, the batches and the refusals, and not how busy the machine is at the moment. With an archive the
service time is measured before the step.
"""

import os
import re
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests

from berth.archive.write import write_archive
from berth.sources.sample import sample_folder
from berth.tune.open_loop import OpenLoop, Sent, poisson, run_open_loop
from berth.tune.ports import free_ports, port_variables

from ..load import LoadPlan, apply_load, to_body
from ..peers.measure.mixes import LOGNORMAL, make_mix
from ..report import to_table
from ..rivals import timed_handler
from ..rivals.rival import Batching, plan_handler
from ..server import served
from ..stats import percentile
from .pod import Pod, ServiceTime

TIMED = ServiceTime(once_s=timed_handler.ONCE_S, each_s=timed_handler.EACH_S)
CLIENTS = 32
SHARES = (0.3, 1.2)  # of what the server has just answered in a closed loop
STEP_S, MEASURED_S = 30.0, 6.0
WINDOW_S = 5.0
GAUGE = re.compile(r"^berth_front_under_way (\S+)$", re.MULTILINE)
HEADER = ("seconds", "requests/s", "under way, server", "simulated", "p50 ms, server", "simulated", "p95 ms, server")
Timed = Sequence[tuple[float, float]]
"""(seconds since the start, a value)."""


def beside_server(archive: Path | None) -> Mapping[str, object]:
    """Serve, give both the step, and print them side by side."""
    ports, texts = free_ports(), make_mix(LOGNORMAL, sample_folder())
    environ = {**os.environ, **port_variables(ports)}
    with tempfile.TemporaryDirectory(prefix="bs-") as folder:
        served_archive = archive or write_timed(Path(folder, "timed.mar"))
        with served(served_archive, Path(folder, "cache"), environ) as url:
            service = measure_service(url, texts) if archive else TIMED
            arrivals = step_arrivals([share * service.capacity_rps for share in SHARES])
            with polled(f"http://127.0.0.1:{ports['health']}/metrics") as gauge:
                bodies = [to_body(text) for text in texts]
                sent = run_open_loop(OpenLoop(url=url, bodies=bodies, arrivals_s=arrivals))
    latencies = [(at_s, each.latency_s) for at_s, each in zip(arrivals, sent, strict=True) if each.status == 200]
    simulated, in_flight = simulate(service, arrivals)
    rows = list(_rows(arrivals, (gauge, in_flight), (latencies, simulated)))
    print(_title(service, sent, len(arrivals) - len(simulated)))
    print(to_table((*HEADER, "simulated"), rows))
    return {"once_s": service.once_s, "each_s": service.each_s, "rows": rows}


def write_timed(archive: Path) -> Path:
    """The archive of a handler whose batches take what TIMED says."""
    batching = Batching(size=TIMED.max_batch, delay_ms=1)
    write_archive(plan_handler(Path(timed_handler.__file__), archive.stem, batching, {}), archive)
    return archive


def measure_service(url: str, texts: Sequence[str]) -> ServiceTime:
    """Fit a lone client and a closed loop of many."""
    plans = [
        LoadPlan(url=url, texts=texts, clients=clients, warm_up_s=2, duration_s=MEASURED_S) for clients in (1, CLIENTS)
    ]
    lone, many = map(apply_load, plans)
    times = [exchange.answered_s - exchange.sent_s for exchange in lone.exchanges]
    return ServiceTime.fit(percentile(times, 50), CLIENTS, len(many.exchanges) / MEASURED_S)


def step_arrivals(rates: Sequence[float]) -> list[float]:
    """Poisson arrivals, each rate for STEP_S."""
    return [
        number * STEP_S + at_s for number, rate in enumerate(rates) for at_s in poisson(rate, STEP_S, seed=number + 1)
    ]


def simulate(service: ServiceTime, arrivals: Sequence[float]) -> tuple[Timed, Timed]:
    """Latencies of what is answered, and what is under way each second, of one pod."""
    pod, in_flight = Pod(service=service), list[tuple[float, float]]()
    for at_s in arrivals:
        while len(in_flight) < at_s:
            pod.advance(float(len(in_flight)))
            in_flight.append((float(len(in_flight)), pod.in_flight))
        pod.offer(at_s)
    pod.advance(float("inf"))
    return pod.answered, in_flight


@contextmanager
def polled(url: str) -> Iterator[list[tuple[float, float]]]:
    """What is under way by the server's own gauge, twice a second, as long as the block runs."""
    values, is_over, began_s = list[tuple[float, float]](), threading.Event(), time.perf_counter()

    def poll() -> None:
        while not is_over.wait(0.5):
            text = requests.get(url, timeout=10).text
            values.append((time.perf_counter() - began_s, sum(map(float, GAUGE.findall(text)))))

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield values
    finally:
        is_over.set()
        thread.join()


def _title(service: ServiceTime, sent: Sequence[Sent], num_refused: int) -> str:
    lost = sum(each.status != 200 for each in sent)
    batch = f"{service.once_s * 1000:.1f} + {service.each_s * 1000:.2f} n ms"
    shares = " and ".join(f"{share:.0%}" for share in SHARES)
    return f"""A batch of n requests takes {batch}: {service.capacity_rps:.0f} requests/s in full batches.
One pod gets {shares} of that, for {STEP_S:g} s each.
Of {len(sent)} requests the server refused {lost}, the simulation {num_refused}.
"""


def _rows(arrivals: Sequence[float], under_way: Sequence[Timed], times: Sequence[Timed]) -> Iterator[list[str]]:
    for number in range(int(len(SHARES) * STEP_S / WINDOW_S)):
        begin, end = number * WINDOW_S, (number + 1) * WINDOW_S
        rate = sum(begin <= at_s < end for at_s in arrivals) / WINDOW_S
        counts = [_between(values, begin, end) for values in under_way]
        found = [_between(values, begin, end) for values in times]
        yield [
            f"{begin:g} to {end:g}",
            f"{rate:.0f}",
            *(f"{sum(values) / len(values):.0f}" for values in counts),
            *(f"{percentile(values, percent) * 1000:.0f}" for percent in (50, 95) for values in found),
        ]


def _between(values: Timed, begin: float, end: float) -> list[float]:
    return [value for at_s, value in values if begin <= at_s < end]
