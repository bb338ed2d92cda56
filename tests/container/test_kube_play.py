"""The local overlay as podman plays it: the pod that a cluster would run, on this machine."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from berth.client import Client
from berth.wait import wait_until

from .conftest import ROOT
from .podman import READY_S, podman

CONTAINER = "berth-pod-0-berth"  # podman's name for it

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl, which renders the overlay")


def is_ready() -> bool:
    try:
        return requests.get("http://127.0.0.1:8090/ready", timeout=5).ok
    except requests.RequestException:
        return False


@pytest.fixture(scope="module")
def pod(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    rendered: Path = tmp_path_factory.mktemp("k8s") / "local.yaml"
    command = ["kubectl", "kustomize", "k8s/overlays/local", "--output", str(rendered)]
    subprocess.run(command, cwd=ROOT, check=True)
    try:
        podman("kube", "play", str(rendered))
        assert wait_until(is_ready, READY_S), podman("logs", CONTAINER, check=False).stderr
        yield
    finally:
        podman("kube", "play", "--down", str(rendered))


@pytest.mark.usefixtures("pod")
def test_it_predicts() -> None:
    with Client("http://127.0.0.1:8080") as client:
        assert len(client.predict("bert", ["hello world"])) == 1


@pytest.mark.usefixtures("pod")
def test_its_liveness_probe_passes() -> None:
    podman("healthcheck", "run", CONTAINER)


@pytest.mark.usefixtures("pod")
def test_it_runs_with_the_limits_of_the_manifest() -> None:
    (inspected,) = json.loads(podman("inspect", CONTAINER).stdout)
    assert inspected["HostConfig"]["Memory"] == 4 * 2**30
    assert inspected["HostConfig"]["ReadonlyRootfs"]
    assert inspected["EffectiveCaps"] in ([], None)
