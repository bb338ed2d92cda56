"""The local overlay as podman plays it: the pod that a cluster would run, on this machine."""

import json
import shutil
from collections.abc import Iterator

import pytest
import requests

from berth.clients.rest_client import RestClient
from berth.wait import wait_until

from .podman import READY_S, ROOT, podman, run

CONTAINER = "berth-pod-0-berth"  # podman's name for it
PORTS_TAKEN = (
    "its ports on this machine are fixed: was a `make serve`, or another pod, listening on 8080, 7070, 8082, 8090?"
)

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl, which renders the overlay")


def is_ready() -> bool:
    try:
        return requests.get("http://127.0.0.1:8090/ready", timeout=5).ok
    except requests.RequestException:
        return False


@pytest.fixture(scope="module")
def pod(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    rendered = str(tmp_path_factory.mktemp("k8s") / "local.yaml")
    run("kubectl", "kustomize", str(ROOT / "k8s" / "overlays" / "local"), "--output", rendered)
    try:
        played = podman("kube", "play", rendered, check=False, timeout_s=READY_S)
        assert played.returncode == 0, f"{played.stderr}\n{PORTS_TAKEN}"
        assert wait_until(is_ready, READY_S), podman("logs", CONTAINER, check=False).stderr
        yield
    finally:
        podman("kube", "play", "--down", rendered, check=False, timeout_s=READY_S)


@pytest.mark.usefixtures("pod")
def test_it_predicts() -> None:
    with RestClient("http://127.0.0.1:8080") as client:
        assert len(client.predict(["hello world"], model="bert")) == 1


@pytest.mark.usefixtures("pod")
def test_its_liveness_probe_passes() -> None:
    podman("healthcheck", "run", CONTAINER)


@pytest.mark.usefixtures("pod")
def test_it_runs_with_the_limits_of_the_manifest() -> None:
    (inspected,) = json.loads(podman("inspect", CONTAINER).stdout)
    assert inspected["HostConfig"]["Memory"] == 4 * 2**30
    assert inspected["HostConfig"]["ReadonlyRootfs"]
    assert inspected["EffectiveCaps"] in ([], None)
