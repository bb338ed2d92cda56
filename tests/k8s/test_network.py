"""Who reaches which port of the pod, and that everything which names something names what is there."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from .conftest import Rendered
from .renderings import RENDERINGS, Document, pick

PORTS = (7070, 7071, 8080, 8081, 8082, 8090)
POD_LABELS = {"app.kubernetes.io/name": "berth"}


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a connection: a pod of a namespace, or an address outside."""

    namespace: str = ""
    address: str = ""


def selects(selector: Document, labels: dict[str, str]) -> bool:
    """A label selector, as far as we use it."""
    wanted = selector.get("matchLabels", {}).items()
    return wanted <= labels.items() and all(
        expression["operator"] == "In" and labels.get(expression["key"]) in expression["values"]
        for expression in selector.get("matchExpressions", [])
    )


def is_peer(entry: Document, peer: Peer) -> bool:
    """One entry of from or to; a pod's own labels never matter here."""
    if "ipBlock" in entry:
        return bool(peer.address) and ip_address(peer.address) in ip_network(entry["ipBlock"]["cidr"])
    if not peer.namespace:
        return False
    if "namespaceSelector" in entry:
        return selects(entry["namespaceSelector"], {"kubernetes.io/metadata.name": peer.namespace})
    return peer.namespace == "berth"


def allowed(objects: list[Document], direction: str, peer: Peer, port: int) -> bool:
    """Whether the pod's policies, together, admit a connection; a pod with no policy of a direction admits all."""
    policies = [entry["spec"] for entry in objects if entry["kind"] == "NetworkPolicy"]
    mine = [spec for spec in policies if direction in spec["policyTypes"] and selects(spec["podSelector"], POD_LABELS)]
    side = {"Ingress": "from", "Egress": "to"}[direction]
    rules = [rule for spec in mine for rule in spec.get(direction.lower(), [])]
    return not mine or any(
        any(is_peer(entry, peer) for entry in rule[side]) and port in {entry["port"] for entry in rule["ports"]}
        for rule in rules
    )


def reached(objects: list[Document], peer: Peer) -> set[int]:
    return {port for port in PORTS if allowed(objects, "Ingress", peer, port)}


def numbers(value: Any) -> Iterator[int]:
    """Every whole number in a document, also one written as text."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from numbers(part)
    elif str(value).isdigit():
        yield int(value)


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_who_reaches_what(rendered: Rendered, rendering: str) -> None:
    objects = rendered(rendering)
    balanced = {8080, 7070, 8090} if any(entry["kind"] == "Gateway" for entry in objects) else set()
    assert reached(objects, Peer(namespace="berth")) == {8080, 7070}
    assert reached(objects, Peer(namespace="gmp-system")) == {8082, 8090}
    assert reached(objects, Peer(namespace="gke-gmp-system")) == {8082, 8090}
    assert reached(objects, Peer(namespace="default")) == set()
    assert reached(objects, Peer(address="203.0.113.7")) == set()
    assert reached(objects, Peer(address="35.191.0.1")) == balanced
    assert reached(objects, Peer(address="130.211.3.255")) == balanced
    assert reached(objects, Peer(address="130.211.4.0")) == set()


@pytest.mark.parametrize(
    ("peer", "port", "admitted"),
    [
        (Peer(namespace="kube-system"), 53, True),
        (Peer(address="169.254.20.10"), 53, True),
        (Peer(address="169.254.169.254"), 53, True),
        (Peer(address="169.254.169.254"), 80, False),
        (Peer(namespace="kube-system"), 443, False),
        (Peer(namespace="berth"), 8080, False),
        (Peer(address="203.0.113.7"), 53, False),
        (Peer(address="203.0.113.7"), 443, False),
    ],
)
def test_nothing_goes_out_but_dns(rendered: Rendered, peer: Peer, port: int, admitted: bool) -> None:
    assert {allowed(rendered(name), "Egress", peer, port) for name in RENDERINGS} == {admitted}


def test_the_evaluator_sees_a_missing_policy_and_an_open_one(rendered: Rendered) -> None:
    objects = [entry for entry in rendered("base") if entry["kind"] != "NetworkPolicy"]
    assert reached(objects, Peer(address="203.0.113.7")) == set(PORTS)
    open_one = rendered("base")
    pick(open_one, "NetworkPolicy")["spec"]["ingress"][0]["from"] = [{"ipBlock": {"cidr": "0.0.0.0/0"}}]
    assert reached(open_one, Peer(address="203.0.113.7")) == {8080, 7070}


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_management_is_named_nowhere(rendered: Rendered, rendering: str) -> None:
    assert {8081, 7071} & set(numbers(rendered(rendering))) == set()


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_selectors_find_the_pod(rendered: Rendered, rendering: str) -> None:
    objects = rendered(rendering)
    deployment = pick(objects, "Deployment")["spec"]
    selectors = [
        entry["spec"].get("selector") or entry["spec"].get("podSelector") for entry in objects if "spec" in entry
    ]
    selectors = [found for found in selectors if found] + deployment["template"]["spec"]["topologySpreadConstraints"]
    matched = [found.get("labelSelector", found) for found in selectors]
    assert deployment["template"]["metadata"]["labels"] == POD_LABELS
    assert {str(found.get("matchLabels", found)) for found in matched} == {str(POD_LABELS)}


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_names_lead_somewhere(rendered: Rendered, rendering: str) -> None:
    objects = rendered(rendering)
    container = pick(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    service = {port["port"]: ports[port["targetPort"]] for port in pick(objects, "Service")["spec"]["ports"]}
    assert service == {8080: 8080, 7070: 7070}
    if any(entry["kind"] == "PodMonitoring" for entry in objects):
        endpoints = pick(objects, "PodMonitoring")["spec"]["endpoints"]
        assert [ports[endpoint["port"]] for endpoint in endpoints] == [8082, 8090]


@pytest.mark.parametrize("rendering", [name for name in RENDERINGS if "gateway" in name or name.startswith("gke")])
def test_load_balancer_leads_to_the_service(rendered: Rendered, rendering: str) -> None:
    objects = rendered(rendering)
    for kind in ("HealthCheckPolicy", "GCPBackendPolicy"):
        assert pick(objects, kind)["spec"]["targetRef"] == {"group": "", "kind": "Service", "name": "berth"}
    route = pick(objects, "HTTPRoute")["spec"]
    assert pick(objects, "Gateway", route["parentRefs"][0]["name"])
    assert [rule["backendRefs"] for rule in route["rules"]] == [[{"name": "berth", "port": 8080}]]
    assert [match["path"]["value"] for rule in route["rules"] for match in rule["matches"]] == ["/predictions"]


def test_grpc_is_spoken_in_clear(rendered: Rendered) -> None:
    protocols = {port["name"]: port.get("appProtocol") for port in pick(rendered("base"), "Service")["spec"]["ports"]}
    assert protocols == {"http": None, "grpc": "kubernetes.io/h2c"}
