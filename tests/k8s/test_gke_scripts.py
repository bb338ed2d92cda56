"""k8s/gke's scripts against stand-ins for the cloud."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .cloud import SETTINGS, TOOLS, Cloud, load_balancer, make_cloud
from .renderings import ROOT

GKE = ROOT / "k8s" / "gke"
DIGEST = "sha256:" + "d" * 64
IMAGE = "europe-west4-docker.pkg.dev/my-project/berth/berth"
OVERLAYS = ("gke-gpu", "gke-cpu")

needs_kubectl = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return make_cloud(tmp_path)


def is_probe(call: list[str]) -> bool:
    return call[1:] == ["info"]


@pytest.mark.parametrize("script", ["cluster.sh", "deploy.sh"])
def test_help_names_every_setting(script: str) -> None:
    source = "".join((GKE / name).read_text("utf-8") for name in (script, "commands.sh"))
    settings = set(re.findall(r"\$\{([A-Z_]+):-", source))
    assert {*SETTINGS, "CLUSTER"} < settings
    usage = subprocess.run([GKE / script, "--help"], capture_output=True, text=True, check=True).stdout
    assert [name for name in settings if f"\n  {name} " not in usage] == []


@pytest.mark.parametrize(
    ("script", "arguments", "settings", "message"),
    [
        ("cluster.sh", [], {"PROJECT": ""}, "PROJECT='' is not the id of a Google Cloud project"),
        ("cluster.sh", [], {"REGION": "europe-west4-a"}, "REGION='europe-west4-a' is not a region"),
        ("cluster.sh", ["--fast"], {}, "unknown argument '--fast'"),
        ("deploy.sh", [], {"REGION": ""}, "REGION='' is not a region"),
        ("deploy.sh", ["gke-tpu"], {}, "k8s/overlays has no overlay 'gke-tpu'"),
        ("deploy.sh", [], {"CHECKPOINT": "nowhere"}, "CHECKPOINT='nowhere' is not a folder"),
    ],
)
def test_wrong_settings_are_named(
    cloud: Cloud, script: str, arguments: list[str], settings: dict[str, str], message: str
) -> None:
    ran = cloud.run(GKE / script, *arguments, **settings)
    assert ran.returncode == 2
    assert message in ran.stderr
    assert cloud.take_calls() == []


@pytest.mark.parametrize("script", ["cluster.sh", "deploy.sh"])
def test_dry_run_runs_nothing(cloud: Cloud, script: str) -> None:
    ran = cloud.run(GKE / script, "--dry-run")
    assert ran.returncode == 0, ran.stderr
    assert [call for call in cloud.take_calls() if not is_probe(call)] == []
    assert sorted(path.name for path in cloud.folder.iterdir()) == sorted([*TOOLS, "calls", "created"])


@needs_kubectl
@pytest.mark.parametrize(("script", "overlay"), [("cluster.sh", []), *(("deploy.sh", [name]) for name in OVERLAYS)])
def test_dry_run_prints_what_a_run_does(cloud: Cloud, script: str, overlay: list[str]) -> None:
    with load_balancer() as address:
        printed = cloud.run(GKE / script, "--dry-run", *overlay).stdout
        cloud.take_calls()
        real = cloud.run(GKE / script, *overlay, STANDIN_ADDRESS=address)
        expected = [call for call in cloud.take_calls() if not is_probe(call)]
        (cloud.folder / "created").write_text("")
        pasted = cloud.run("bash", "-c", printed, STANDIN_ADDRESS=address)
    assert (real.returncode, pasted.returncode) == (0, 0), real.stderr + pasted.stderr
    assert without_temp(cloud.take_calls()) == without_temp(expected)


def without_temp(calls: list[list[str]]) -> list[list[str]]:
    return [[re.sub(r"/tmp\.\w+", "", word) for word in call] for call in calls]


def test_a_second_run_creates_nothing(cloud: Cloud) -> None:
    assert cloud.run(GKE / "cluster.sh").returncode == 0
    first = cloud.take_calls()
    assert cloud.run(GKE / "cluster.sh").returncode == 0
    assert [call for call in first if "create" in call] != []
    assert cloud.take_calls() == [call for call in first if "create" not in call]


def test_what_is_missing_is_created(cloud: Cloud) -> None:
    assert cloud.run(GKE / "cluster.sh", STANDIN_REFUSES="node-pools create").returncode == 1
    cloud.take_calls()
    assert cloud.run(GKE / "cluster.sh").returncode == 0
    assert [call[1:5] for call in cloud.take_calls() if "create" in call] == [
        ["container", "node-pools", "create", "l4"]
    ]


@needs_kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_deploys_the_pushed_digest(cloud: Cloud, overlay: str) -> None:
    with load_balancer() as address:
        ran = cloud.run(GKE / "deploy.sh", overlay, STANDIN_ADDRESS=address)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1].startswith(f"curl http://{address}/predictions/bert ")
    assert re.findall(r"^\s+image: (.*)$", cloud.applied, re.MULTILINE) == [f"{IMAGE}@{DIGEST}"]
    calls = cloud.take_calls()
    (base,) = re.findall(r"^ARG BASE=(.*)$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert ["docker", "pull", "--platform=linux/amd64", base] in calls
    (build,) = (call for call in calls if "build" in call)
    assert f"--build-arg=BASE=docker.io/library/debian@sha256:{'b' * 64}" in build


def test_podman_builds_where_no_docker_answers(cloud: Cloud) -> None:
    settings = {"CHECKPOINT": str(cloud.folder), "MODEL": "mine", "STANDIN_REFUSES": "docker info"}
    printed = cloud.run(GKE / "deploy.sh", "--dry-run", **settings).stdout
    assert f"podman build --platform=linux/amd64 --tag={IMAGE}:" in printed
    assert f"--build-arg=MODEL=mine --build-context=checkpoint={cloud.folder}" in printed


@needs_kubectl
@pytest.mark.parametrize(
    ("script", "step"),
    [
        ("cluster.sh", "services enable"),
        ("cluster.sh", "clusters create"),
        ("cluster.sh", "accelerator-types list"),
        ("deploy.sh", "docker push"),
        ("deploy.sh", "images describe"),
        ("deploy.sh", "kustomize"),
        ("deploy.sh", "rollout status"),
        ("deploy.sh", "wait"),
    ],
)
def test_a_failing_step_is_the_last(cloud: Cloud, script: str, step: str) -> None:
    ran = cloud.run(GKE / script, STANDIN_REFUSES=step, STANDIN_ADDRESS="127.0.0.1:1")
    assert ran.returncode == 1
    message = ran.stderr.splitlines()[-1]
    assert step in message or (step == "rollout status" and "the Deployment is not ready" in message)
    *_, last = (shlex.join(call) for call in cloud.take_calls())
    assert step in last or "get pods,events" in last


@needs_kubectl
def test_an_overlay_without_our_image_is_not_applied(cloud: Cloud) -> None:
    ran = cloud.run(GKE / "deploy.sh", "local")
    assert ran.returncode == 1
    assert "its digest could not be pinned; nothing was applied" in ran.stderr
    assert cloud.applied == ""


@needs_kubectl
@pytest.mark.parametrize(
    ("status", "health", "message"),
    [
        (503, b"{}", "error: the smoke test was not answered"),
        (200, b'{"status": "differs"}', "error: the smoke test expected"),
    ],
)
def test_a_failed_smoke_test_is_a_failure(cloud: Cloud, status: int, health: bytes, message: str) -> None:
    with load_balancer(status, health) as address:
        ran = cloud.run(GKE / "deploy.sh", STANDIN_ADDRESS=address)
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].startswith(message)
    assert "curl" not in ran.stdout.splitlines()[-1:]


@needs_kubectl
def test_nothing_is_left_behind(cloud: Cloud) -> None:
    with load_balancer() as address:
        cloud.run(GKE / "deploy.sh", STANDIN_ADDRESS=address)
    assert [path.name for path in cloud.folder.iterdir() if path.is_dir()] == []


def test_shellcheck_finds_nothing() -> None:
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if not shellcheck:
        pytest.skip("shellcheck is not installed")
    ran = subprocess.run([shellcheck, "-x", *GKE.glob("*.sh")], capture_output=True, text=True, check=False)
    assert ran.stdout == ""
