"""Pods that follow the load: by a gauge that the front has, at the pod's own port, within the nodes that there are."""

import re
from typing import Any

import pytest

from berth.clients.launcher import health_endpoint
from berth.exposition import Kind
from berth.front.reports.metrics import UNDER_WAY

from .conftest import Rendered
from .renderings import CANARY, ROOT, SCALING, Document, label, pick

HPA, KEDA = SCALING
GAUGE = UNDER_WAY.name


def most_nodes() -> int:
    """How many nodes cluster.sh lets the CPU pool have."""
    script = (ROOT / "k8s/gke/cluster.sh").read_text("utf-8")
    return int(re.findall(r"--total-max-nodes=(\d+)", script)[0])


@pytest.mark.parametrize("rendering", SCALING)
def test_whoever_scales_owns_the_number_of_pods(rendered: Rendered, rendering: str) -> None:
    assert "replicas" not in pick(rendered(rendering), "Deployment")["spec"]


def test_the_autoscaler_follows_the_fronts_gauge_of_each_pod(rendered: Rendered) -> None:
    objects = rendered(HPA)
    deployment, found = pick(objects, "Deployment"), pick(objects, "AutoscalingMetric")
    (metric,) = found["spec"]["metrics"]
    labels = metric["pod"]["selector"]["matchLabels"]
    assert labels.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in labels), "GKE takes no other names there"
    (container,) = metric["pod"]["containers"]
    assert container["endpoint"] == {"port": health_endpoint({}).port, "path": "/metrics"}
    gauge = container["metrics"][0]["gauge"]
    assert gauge["prometheusMetricName"] == GAUGE
    assert UNDER_WAY.kind is Kind.GAUGE, "AutoscalingMetric takes no other"
    spec = pick(objects, "HorizontalPodAutoscaler")["spec"]
    assert spec["metrics"][0]["pods"]["metric"]["name"] == f"autoscaling.gke.io|berth|{gauge['name']}"
    assert spec["scaleTargetRef"]["kind"] == "Deployment"


def test_both_scale_alike_and_within_the_nodes(rendered: Rendered) -> None:
    hpa = pick(rendered(HPA), "HorizontalPodAutoscaler")["spec"]
    keda = pick(rendered(KEDA), "ScaledObject")["spec"]
    assert keda["advanced"]["horizontalPodAutoscalerConfig"]["behavior"] == hpa["behavior"]
    assert keda["maxReplicaCount"] == hpa["maxReplicas"] == most_nodes()
    assert keda["triggers"][0]["metadata"]["threshold"] == hpa["metrics"][0]["pods"]["target"]["averageValue"]
    assert (hpa["minReplicas"], keda["minReplicaCount"]) == (2, 0)


def test_keda_asks_for_the_gauge_and_wakes_by_what_sees_requests_without_a_pod(rendered: Rendered) -> None:
    objects: list[Document] = rendered(KEDA)
    pods, balancer = pick(objects, "ScaledObject")["spec"]["triggers"]
    namespace, job = re.findall(r"sum\(" + GAUGE + r'\{namespace="(.+)",job="(.+)"\}\)', pods["metadata"]["query"])[0]
    assert pick(objects, "PodMonitoring", job)["metadata"]["namespace"] == namespace
    assert not [each for each in rendered(CANARY[0]) if label(each) == f"PodMonitoring/{job}"], "it counts the canary's"
    assert "https_request_count" in balancer["metadata"]["query"]
    assert float(balancer["metadata"]["activationThreshold"]) == 0
    for trigger in (pods, balancer):
        assert pick(objects, "TriggerAuthentication", trigger["authenticationRef"]["name"])
        assert "/projects/PROJECT/" in trigger["metadata"]["serverAddress"]


def test_no_pod_calls_nobody_where_none_is_wanted(rendered: Rendered) -> None:
    def alerts(rendering: str) -> list[str]:
        groups = pick(rendered(rendering), "Rules")["spec"]["groups"]
        return [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]

    everywhere = alerts("base + monitoring")
    assert "BerthDown" in everywhere
    assert alerts(KEDA) == [alert for alert in everywhere if alert != "BerthDown"]


@pytest.mark.parametrize(
    ("page", "rendering", "kind"),
    [("docs/scaling.md", HPA, "HorizontalPodAutoscaler"), ("k8s/README.md", KEDA, "ScaledObject")],
)
def test_documented_patches_replace_what_is_there(rendered: Rendered, page: str, rendering: str, kind: str) -> None:
    paths = re.findall(
        r"op: replace, path: (/spec/(?:metrics|maxReplicas|triggers)\S*),", (ROOT / page).read_text("utf-8")
    )
    assert len(paths) == 2
    for path in paths:
        found: Any = pick(rendered(rendering), kind)
        for step in path.strip("/").split("/"):
            found = found[int(step)] if isinstance(found, list) else found[step]
        assert found
