"""`python -m bench.scaling`: how well do pods follow a load, and what do they cost?

Simulated: pods whose batches take what a BERT-base took on two cores, the front's refusals, Kubernetes' autoscaler
with its windows, limits and delays, KEDA down to no pod. Loads are Poisson processes, seeded: of made-up rates, and of
those of a day that a load balancer recorded (curves.py says which), scaled to pods of this size.
A minute is over the target when more than 5 % of its requests waited longer or were refused. With --beside-server a
real server gets a step instead, and the simulation the same arrivals.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..costs.prices import machine
from ..machine import describe_run
from . import curves
from .beside import beside_server
from .cluster import Cluster, Outcome
from .curves import Curve
from .measured import service_time
from .pod import ServiceTime
from .report import curve_table, to_figures
from .settings import BALANCER_LATE_S, GAUGE_LATE_S, PROMETHEUS_LATE_S, ways

COMMAND = "python -m bench.scaling"
SCHEMA_VERSION = 1
PAGE, MODEL = Path("docs/bench/peers-avx2-base.json"), "BERT-base"
MACHINE = "e2-standard-4"  # one pod of k8s/base on each: of its 4 cores pods get less than two times 2
CURVES = (curves.step(20, 90), curves.spike(20, 110), curves.day(5, 70), curves.office(70), curves.recorded(110))
SEED = 1


def main(
    target_ms: Annotated[
        float, typer.Option(min=1, help="What 95 of 100 requests of a minute shall not exceed.")
    ] = 1000,
    node_seconds: Annotated[float, typer.Option(min=0, help="Assumed: for a new node, and the image on it.")] = 90,
    pod_seconds: Annotated[float, typer.Option(min=0, help="From a pod's start to ready: container.txt.")] = 6.6,
    beside: Annotated[
        bool, typer.Option("--beside-server", help="A real server and the simulation, one step.")
    ] = False,
    archive: Annotated[Path | None, typer.Option(help="What that serves; default: a handler of a stated time.")] = None,
) -> None:
    """Simulate every load with every way of having pods; a minute or two. Progress goes to stderr."""
    facts = describe_run(" ".join((COMMAND, *sys.argv[1:])))
    if beside:
        figures: object = beside_server(archive)
    else:
        service = service_time(PAGE, MODEL)
        print(_assumptions(service, node_seconds, pod_seconds))
        figures = [_compare(each, service, node_seconds + pod_seconds, target_ms / 1000) for each in CURVES]
    print(json.dumps({"schema_version": SCHEMA_VERSION, "benchmark": "scaling", **facts, "figures": figures}))


def _assumptions(service: ServiceTime, node_seconds: float, pod_seconds: float) -> str:
    price = machine(MACHINE)
    batch = f"{service.once_s * 1000:.0f} + {service.each_s * 1000:.1f} n ms"
    return f"""A batch of n requests takes {batch}: {MODEL} on 2 cores ({PAGE}),
{service.capacity_rps:.0f} requests/s in full batches.
A pod is ready after {node_seconds:g} s for its node and image (assumed) and {pod_seconds:g} s of its own.
Assumed delays: {GAUGE_LATE_S:g} s of a metric of the pods, {PROMETHEUS_LATE_S:g} s of managed Prometheus,
{BALANCER_LATE_S:g} s of the load balancer's count.
A pod has an {MACHINE} for itself: {price.dollars} dollars per {price.unit}
({price.source})."""


def _compare(curve: Curve, service: ServiceTime, start_s: float, target_s: float) -> dict[str, object]:
    """Simulate one load with every way, and print its table."""
    arrivals = list(curve.arrivals(SEED))
    outcomes: dict[str, Outcome] = {}
    for way in ways():
        print(f"{curve.name}: {way.name}", file=sys.stderr)
        cluster = Cluster(service=service, controller=way.make(), start_s=start_s)
        outcomes[way.name] = cluster.run(arrivals, curve.duration_s)
    title = f"{curve.name}; a p95 of {target_s:g} s is the target"
    print(f"\n{title}\n\n{curve_table(outcomes, target_s, machine(MACHINE).dollars)}")
    return {"curve": curve.name, "ways": {name: to_figures(each, target_s) for name, each in outcomes.items()}}


if __name__ == "__main__":
    typer.run(main)
