"""docs/gke.md stays true, and gcloud knows every command of it, of docs/scaling.md and of k8s/gke's scripts."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from string import Template

import pytest
import yaml

from berth.cli.app import app
from tests.k8s.checkers import Outcome, check_object
from tests.k8s.conftest import needs_kubectl
from tests.k8s.renderings import ROOT, Document, kustomize, pick

from .cloud import GKE, SETTINGS, load_balancer, make_cloud

DOCUMENT = (ROOT / "docs" / "gke.md").read_text("utf-8")
SCALING = (ROOT / "docs" / "scaling.md").read_text("utf-8")
NAMES = {**SETTINGS, "CLUSTER": "berth"}

needs_gcloud = pytest.mark.skipif(not shutil.which("gcloud"), reason="gcloud is not installed")


def commands_of(document: str) -> list[str]:
    """Its indented lines, with the names that the scripts are told."""
    return [Template(line.strip()).safe_substitute(NAMES) for line in document.splitlines() if line.startswith("    ")]


def lint(commands: list[str], home: Path) -> dict[str, str]:
    """What the SDK's own parser says against each command, by command; nothing leaves this machine."""
    file = home / "commands.json"
    file.write_text(json.dumps([{"command_string": command} for command in commands]))
    linter = ["gcloud", "meta", "lint-gcloud-commands", f"--commands-file={file}"]
    environment = {**os.environ, "CLOUDSDK_CONFIG": str(home), "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"}
    ran = subprocess.run(linter, env=environment, capture_output=True, text=True, timeout=120, check=False)
    if "Invalid choice: 'lint-gcloud-commands'" in ran.stderr:
        pytest.skip("this gcloud has no lint-gcloud-commands, an internal command")
    results = json.loads(ran.stdout)
    assert len(results) == len(set(commands))
    return {result["command_string"]: result["error_message"] for result in results if not result["success"]}


@needs_gcloud
@needs_kubectl
def test_gcloud_knows_every_flag(tmp_path: Path) -> None:
    cloud = make_cloud(tmp_path / "cloud")
    with load_balancer() as address:
        for script in ("cluster.sh", "deploy.sh"):
            assert cloud.run(GKE / script, STANDIN_ADDRESS=address).returncode == 0
    called = [shlex.join(call) for call in cloud.take_calls() if call[0] == "gcloud"]
    documented = [command for command in commands_of(DOCUMENT + SCALING) if command.startswith("gcloud ")]
    assert len(called) > 15
    assert len(documented) > 5
    assert [command for command in documented if "--hpa-profile=performance" in command]
    assert lint([*called, *documented], tmp_path) == {}


@needs_gcloud
@pytest.mark.parametrize(
    "wrong",
    [
        "gcloud container clusters create berth --enable-everything",
        "gcloud container clusters create berth --gateway-api=experimental",
        "gcloud container node-pools create l4 --cluster=berth --accelerator=type=nvidia-l4,driver=latest",
        "gcloud container node-pools fly l4",
    ],
)
def test_an_invented_flag_would_be_found(tmp_path: Path, wrong: str) -> None:
    assert list(lint([wrong], tmp_path)) == [wrong]


def test_documented_scripts_and_settings_exist() -> None:
    scripts = [shlex.split(line) for line in commands_of(DOCUMENT) if "k8s/gke/" in line]
    assert len(scripts) >= 4
    for words in scripts:
        settings = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
        (script,) = (word for word in words if word.startswith("k8s/gke/"))
        usage = subprocess.run([ROOT / script, "--help"], capture_output=True, text=True, check=True).stdout
        assert [name for name in settings if f"  {name} " not in usage] == []


def test_document_is_short_and_its_links_lead_somewhere() -> None:
    assert len(DOCUMENT.splitlines()) < 140
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", DOCUMENT) if not link.startswith("http")]
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def render_documented(document: str, folder: Path) -> list[Document]:
    """The objects of the only overlay in a document, as a user would write it."""
    (text,) = re.findall(r"```yaml\n(.*?)```", document, re.DOTALL)
    shutil.copytree(ROOT / "k8s", folder / "k8s")
    overlay = folder / "k8s" / "overlays" / "my-site"
    overlay.mkdir()
    (overlay / "kustomization.yaml").write_text(text)
    return kustomize(overlay)


@needs_kubectl
def test_documented_tls_overlay_renders(tmp_path: Path) -> None:
    gateway = pick(render_documented(DOCUMENT, tmp_path), "Gateway")
    assert gateway["metadata"]["annotations"] == {"networking.gke.io/certmap": "berth"}
    assert [listener["protocol"] for listener in gateway["spec"]["listeners"]] == ["HTTPS"]
    faults = {name: verdict for name, verdict in check_object(gateway).items() if verdict.outcome is Outcome.REFUSED}
    assert faults == {}


@needs_kubectl
def test_documented_secrets_are_the_ones_that_the_documented_overlay_mounts(tmp_path: Path) -> None:
    document = (ROOT / "k8s" / "README.md").read_text("utf-8")
    pod = pick(render_documented(document, tmp_path), "Deployment")["spec"]["template"]["spec"]
    mounted = {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
    made = re.findall(r"create secret \w+ (\S+)", document)
    assert mounted == set(made) == {"berth-api-keys", "berth-tls"}


def test_documented_commands_of_berth_exist() -> None:
    registered = {command.callback.__name__ for command in app.registered_commands if command.callback}
    named = set(re.findall(r"-- berth ([a-z]+)", DOCUMENT + (ROOT / "k8s" / "README.md").read_text("utf-8")))
    assert named
    assert named <= registered


def test_pool_has_the_card_that_the_overlay_asks_for() -> None:
    patch = yaml.safe_load((ROOT / "k8s/components/gpu-l4/deployment.yaml").read_text("utf-8"))
    card = patch["spec"]["template"]["spec"]["nodeSelector"]["cloud.google.com/gke-accelerator"]
    assert f"--accelerator=type={card},count=1,gpu-driver-version=latest" in (GKE / "cluster.sh").read_text("utf-8")
