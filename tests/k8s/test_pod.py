"""The pod of every rendering: locked up, probed on the launcher's port, given time to finish, with fixed resources."""

import pytest

from berth.archive.content import SERVER_SETTINGS
from berth.cli.serving import DRAIN_S
from berth.clients.launcher import health_endpoint
from berth.health.server import PATHS
from berth.process.session import GONE_S
from berth.serve.generation import GRACE_S

from .conftest import Rendered
from .renderings import OVERLAYS, RENDERINGS, Document, pick

GPU = [name for name in RENDERINGS if "gpu" in name]
GATHER_S = 240  # for a streamed image's first read and the archive's verification, before a worker starts
GATEWAY = [name for name in RENDERINGS if "gateway" in name or name.startswith("gke")]


@pytest.fixture(params=RENDERINGS)
def objects(rendered: Rendered, request: pytest.FixtureRequest) -> list[Document]:
    return rendered(request.param)


def pod(objects: list[Document]) -> Document:
    spec: Document = pick(objects, "Deployment")["spec"]["template"]["spec"]
    return spec


def container(objects: list[Document]) -> Document:
    (only,) = pod(objects)["containers"]
    spec: Document = only
    return spec


def environment(objects: list[Document]) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in container(objects).get("env", [])}


def test_pod_is_restricted_and_more(objects: list[Document]) -> None:
    user = {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    locked = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
    assert pod(objects)["securityContext"] == user
    assert container(objects)["securityContext"] == locked
    assert pod(objects)["automountServiceAccountToken"] is False
    assert pick(objects, "ServiceAccount")["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod(objects).keys()


def test_namespace_holds_everything_and_enforces_it(objects: list[Document]) -> None:
    labels = pick(objects, "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    places = {entry["metadata"].get("namespace") for entry in objects if entry["kind"] != "Namespace"}
    assert places == {"berth"}


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_only_the_local_overlay_opens_host_ports_and_on_loopback(rendered: Rendered, rendering: str) -> None:
    opened = [port for port in container(rendered(rendering))["ports"] if "hostPort" in port]
    assert bool(opened) == (rendering == "local")
    assert all(port["hostPort"] == port["containerPort"] and port["hostIP"] == "127.0.0.1" for port in opened)


def test_probes_ask_the_launcher(objects: list[Document]) -> None:
    names = {port["name"]: port["containerPort"] for port in container(objects)["ports"]}
    assert names["health"] == health_endpoint({}).port
    asked = [container(objects)[f"{kind}Probe"] for kind in ("startup", "liveness", "readiness")]
    for probe, path in zip(asked, PATHS, strict=True):
        target = probe.get("httpGet") or {"path": probe["exec"]["command"][-1], "port": "health"}
        assert target == {"path": path, "port": "health"}


def test_startup_may_take_as_long_as_a_worker(objects: list[Document]) -> None:
    probe = container(objects)["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= SERVER_SETTINGS["startupTimeout"] + GATHER_S


def test_grace_covers_the_sleep_and_the_launchers_end(objects: list[Document]) -> None:
    sleep_s = container(objects)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert sleep_s >= 15
    end_s = DRAIN_S + GRACE_S + GONE_S
    assert pod(objects)["terminationGracePeriodSeconds"] >= sleep_s + end_s


def test_a_node_can_always_be_drained(objects: list[Document]) -> None:
    budget = pick(objects, "PodDisruptionBudget")["spec"]
    assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")


@pytest.mark.parametrize("rendering", GATEWAY)
def test_load_balancer_waits_longer_than_torchserve_and_drains_while_the_pod_is_there(
    rendered: Rendered, rendering: str
) -> None:
    objects = rendered(rendering)
    policy = pick(objects, "GCPBackendPolicy")["spec"]["default"]
    assert policy["timeoutSec"] > SERVER_SETTINGS["responseTimeout"]
    assert policy["connectionDraining"]["drainingTimeoutSec"] == pod(objects)["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("rendering", GATEWAY)
def test_load_balancer_asks_for_readiness(rendered: Rendered, rendering: str) -> None:
    check = pick(rendered(rendering), "HealthCheckPolicy")["spec"]["default"]["config"]["httpHealthCheck"]
    port = health_endpoint({}).port
    assert check == {"portSpecification": "USE_FIXED_PORT", "port": port, "requestPath": "/ready"}


def test_requests_are_limits(objects: list[Document]) -> None:
    resources = container(objects)["resources"]
    gpu = {"nvidia.com/gpu"}  # a limit is the request too
    assert resources["requests"].keys() == {"cpu", "memory", "ephemeral-storage"}
    assert {name: amount for name, amount in resources["limits"].items() if name not in gpu} == resources["requests"]


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_gpu_where_one_is_asked_for_and_nowhere_else(rendered: Rendered, rendering: str) -> None:
    objects = rendered(rendering)
    wanted = rendering in GPU
    assert (container(objects)["resources"]["limits"].get("nvidia.com/gpu") == "1") == wanted
    assert (environment(objects).get("BERTH_DEVICE") == "cuda") == wanted
    assert ("nodeSelector" in pod(objects)) == wanted
    rollout = pick(objects, "Deployment")["spec"]["strategy"]["rollingUpdate"]
    assert rollout == ({"maxSurge": 0, "maxUnavailable": 1} if wanted else {"maxSurge": 1, "maxUnavailable": 0})


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_one_image_to_pin(rendered: Rendered, overlay: str) -> None:
    image = container(rendered(overlay))["image"]
    assert image == ("localhost/berth:latest" if overlay == "local" else "berth.invalid/berth")
