"""What k8s/gke's two scripts have in common, and cluster.sh, against stand-ins for the cloud."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.k8s.conftest import needs_kubectl
from tests.k8s.renderings import ROOT

from .cloud import GKE, OVERLAYS, SETTINGS, TOOLS, Cloud, load_balancer


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
        ("deploy.sh", ["gke-cpu", "gke-gpu"], {}, "two overlays, 'gke-cpu' and 'gke-gpu'"),
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
@pytest.mark.parametrize(
    ("script", "step"),
    [
        ("cluster.sh", "services enable"),
        ("cluster.sh", "clusters create"),
        ("cluster.sh", "accelerator-types list"),
        ("deploy.sh", "docker push"),
        ("deploy.sh", "images describe"),
        ("deploy.sh", "kustomize"),
    ],
)
def test_a_failing_step_is_the_last(cloud: Cloud, script: str, step: str) -> None:
    ran = cloud.run(GKE / script, STANDIN_REFUSES=step)
    assert ran.returncode == 1
    assert step in ran.stderr.splitlines()[-1]
    assert step in shlex.join(cloud.take_calls()[-1])


def test_shellcheck_finds_nothing() -> None:
    scripts = [*GKE.glob("*.sh"), ROOT / ".ci" / "run", ROOT / "tests" / "container" / "make_base.sh"]
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if not shellcheck:
        pytest.skip("shellcheck is not installed")
    ran = subprocess.run([shellcheck, "-x", *scripts], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
