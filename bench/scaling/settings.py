"""What is compared: the overlay's fixed pods, CPU as people set it, and what k8s/components say, read from there."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from ..machine import REPOSITORY
from .autoscaler import Settings
from .cluster import Controller, Reading
from .controllers import Fixed, Following, ToNone

COMPONENTS = REPOSITORY / "k8s" / "components"
CPU_SHARE = 0.7
OVERLAY_PODS = 2  # replicas of overlays/gke-cpu
GAUGE_LATE_S = 15.0
"""Assumed of AutoscalingMetric and the metrics server: a reading old."""
PROMETHEUS_LATE_S = 45.0
"""components/monitoring scrapes every 30 s; a query's delay is assumed."""
BALANCER_LATE_S = 240.0
"""Assumed: how long after a request the load balancer's count can be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of having pods."""

    name: str
    make: Callable[[], Controller]


def ways() -> Sequence[Way]:
    """Everything that is compared, in the order of the table."""
    return tuple(_ways())


def _ways() -> Iterator[Way]:
    hpa = read_hpa()
    cpu = Settings.read({"minReplicas": hpa.min_pods, "maxReplicas": hpa.max_pods}, CPU_SHARE, {})
    yield Way(name=f"{OVERLAY_PODS} (overlays/gke-cpu)", make=lambda: Fixed(first_pods=OVERLAY_PODS))
    yield Way(name=f"{hpa.max_pods}", make=lambda: Fixed(first_pods=hpa.max_pods))
    yield Way(
        name=f"HPA, CPU at {CPU_SHARE:.0%}",
        make=lambda: Following(settings=cpu, metric=busy_share, late_s=GAUGE_LATE_S),
    )
    yield Way(
        name="HPA, requests under way",
        make=lambda: Following(settings=hpa, metric=in_flight, late_s=GAUGE_LATE_S),
    )
    yield Way(name="KEDA, the same, or none", make=read_keda)


def in_flight(reading: Reading) -> Sequence[float | None]:
    """berth_front_under_way of each pod."""
    return reading.in_flight


def in_flight_as_sum(reading: Reading) -> Sequence[float | None]:
    """The same, a pod that is not ready counted with none: KEDA asks for the sum over all."""
    return [value or 0.0 for value in reading.in_flight]


def busy_share(reading: Reading) -> Sequence[float | None]:
    """CPU over its limit."""
    return reading.busy_share


def read_hpa() -> Settings:
    """What components/autoscaling says."""
    spec = _spec("autoscaling/horizontal-pod-autoscaler.yaml")
    target = float(spec["metrics"][0]["pods"]["target"]["averageValue"])
    return Settings.read(spec, target, spec["behavior"])


def read_keda() -> ToNone:
    """What components/autoscaling-keda says."""
    spec = _spec("autoscaling-keda/scaled-object.yaml")
    behaviour = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    limits = {"minReplicas": 1, "maxReplicas": spec["maxReplicaCount"]}  # KEDA itself goes from one to none
    settings = Settings.read(limits, float(spec["triggers"][0]["metadata"]["threshold"]), behaviour)
    following = Following(settings=settings, metric=in_flight_as_sum, late_s=PROMETHEUS_LATE_S)
    return ToNone(following=following, cooldown_s=spec["cooldownPeriod"], seen_after_s=BALANCER_LATE_S)


def _spec(path: str) -> Mapping[str, Any]:
    spec: Mapping[str, Any] = yaml.safe_load((COMPONENTS / path).read_text("utf-8"))["spec"]
    return spec
