"""k8s/ as a cluster would get it: base, base with sets of components, overlays, through `kubectl kustomize`."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
K8S = ROOT / "k8s"
COMPONENTS = ("gpu-l4", "gateway", "monitoring", "api-keys", "tls")
OVERLAYS = ("gke-gpu", "gke-cpu", "local")
SETS = tuple(chosen for count in range(len(COMPONENTS) + 1) for chosen in combinations(COMPONENTS, count))
RENDERINGS = (*(" + ".join(("base", *chosen)) for chosen in SETS), *OVERLAYS)
"""The server's."""
CANARY = ("gke-canary", "base + gateway + canary")
"""Another version beside the served one, and who leads a share of the requests to it."""
SCALING = ("gke-cpu + autoscaling", "base + gateway + monitoring + autoscaling-keda")
"""Pods that follow the load."""
PLACES = ("base + model-bucket", "kserve")
"""The archive from a bucket, and KServe in the place of base."""
BULK = ("bulk-job", "bulk-ray")
"""Overlays of `berth bulk`, which serves nobody."""
TIMEOUT_S = 30.0

Document = dict[str, Any]
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where it is there: ten times as fast."""


class KustomizeError(Exception):
    """kustomize does not render a folder; the message is its own."""


def has_kubectl() -> bool:
    """Whether anything can be rendered here."""
    return shutil.which("kubectl") is not None


def files() -> list[Path]:
    """Every Kubernetes file of ours; k8s/gke holds scripts, and k8s/chart a template."""
    return sorted(path for path in K8S.rglob("*.yaml") if path.relative_to(K8S).parts[0] not in ("gke", "chart"))


@cache
def render(name: str) -> tuple[Document, ...]:
    """The objects of any rendering above, which are not to be changed: every caller has the same."""
    if name in (*OVERLAYS, *BULK, CANARY[0], PLACES[1]):
        return tuple(kustomize(K8S / "overlays" / name))
    first, *components = name.split(" + ")
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder).resolve()
        write_kustomization(here, K8S / ("base" if first == "base" else f"overlays/{first}"), components)
        return tuple(kustomize(here))


def write_kustomization(folder: Path, resource: Path, components: Iterable[str]) -> None:
    """An overlay of a folder and these components; kustomize wants relative paths."""
    overlay = {
        "namespace": "berth",
        "resources": [os.path.relpath(resource, folder)],
        "components": [os.path.relpath(K8S / "components" / name, folder) for name in components],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay), "utf-8")


def kustomize(folder: Path) -> list[Document]:
    """The objects that a kustomization stands for."""
    result = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False, timeout=TIMEOUT_S
    )
    if result.returncode:
        raise KustomizeError(result.stderr.strip())
    return list(yaml.load_all(result.stdout, LOADER))


def label(document: Document) -> str:
    """How people call an object: Kind/name."""
    return f"{document['kind']}/{document['metadata']['name']}"


def pick(documents: Iterable[Document], kind: str, name: str = "berth") -> Document:
    """The one object of this kind and name."""
    (found,) = [document for document in documents if label(document) == f"{kind}/{name}"]
    return found
