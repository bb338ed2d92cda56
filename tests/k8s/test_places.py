"""The archive from a bucket, KServe, Cloud Run and App Engine: each agrees with the image and the pod."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from yamllint import linter

from berth.clients.launcher import health_endpoint
from berth.health.server import PATHS
from berth.machine.limits import MemoryLimit
from berth.machine.machine import Machine
from berth.machine.quantities import format_bytes, parse_quantity
from berth.memory.budget import ModelLoad
from berth.memory.fit import MemoryPlan
from berth.memory.plan import plan_models
from berth.settings import Settings
from handler.config import HandlerConfig, Task
from tests.support.servers import CONFIG

from .checkers import VERSIONS, YAML_STYLE, Outcome, check_kubernetes
from .conftest import Rendered
from .renderings import PLACES, ROOT, Document, pick
from .test_agreement import image_environment, settings
from .test_memory import facts

BUCKET, KSERVE = PLACES
PLATFORMS = ROOT / "examples/platforms"
SDK_PARSER = Path("/usr/lib/google-cloud-sdk/lib/googlecloudsdk/appengine/api/appinfo.py")
READ_APP = "import sys; from googlecloudsdk.appengine.api import appinfo; appinfo.LoadSingleAppInfo(sys.stdin.read())"


def cloud_run() -> Document:
    found: Document = yaml.safe_load((PLATFORMS / "cloud-run/service.yaml").read_text("utf-8"))
    return found


def probes(container: Document) -> dict[str, tuple[str, int]]:
    """The path and the port of each probe."""
    asked = {kind: container[kind]["httpGet"] for kind in container if kind.endswith("Probe")}
    return {kind: (target["path"], target["port"]) for kind, target in asked.items()}


def variables(container: Document) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in container["env"]}


def plan_bert_base(environ: dict[str, str], memory: str = "4Gi") -> MemoryPlan:
    """A BERT-base for embeddings, one worker, on two cores with a front."""
    size = replace(facts("bert-base"), config=HandlerConfig(task=Task.EMBEDDINGS, max_tokens=512))
    machine = Machine(
        memory=MemoryLimit(bytes=parse_quantity(memory), source="--memory"),
        cores=2,
        num_gpus=0,
        gpu=None,
        not_forked=None,
        haproxy=Path("/usr/sbin/haproxy"),
    )
    served = ModelLoad(size=size, workers=1, is_in_memory=False)
    return plan_models([served], Settings.load(CONFIG, environ), machine, workers=1)


@pytest.mark.parametrize("path", sorted(PLATFORMS.rglob("*.yaml")), ids=lambda path: path.parent.name)
def test_files_are_tidy(path: Path) -> None:
    assert list(linter.run(path.read_text("utf-8"), YAML_STYLE)) == []


def test_the_bucket_is_mounted_where_the_image_looks_and_is_reached(rendered: Rendered) -> None:
    objects = rendered(BUCKET)
    template = pick(objects, "Deployment")["spec"]["template"]
    (container,) = template["spec"]["containers"]
    mount = next(each for each in container["volumeMounts"] if each["name"] == "models")
    assert (mount["mountPath"], mount["readOnly"]) == (image_environment()["TS_MODEL_STORE"], True)
    assert variables(container)["TS_LOAD_MODELS"].endswith(".mar")
    volume = next(each for each in template["spec"]["volumes"] if each["name"] == "models")
    assert volume["csi"]["driver"] == "gcsfuse.csi.storage.gke.io"
    assert volume["csi"]["readOnly"] is True
    assert template["metadata"]["annotations"] == {"gke-gcsfuse/volumes": "true"}
    assert template["spec"]["serviceAccountName"] == "berth"
    ports = [port["port"] for rule in pick(objects, "NetworkPolicy", "berth-model-bucket")["spec"]["egress"]
             for port in rule["ports"]]  # fmt: skip
    assert ports == [80, 443]


def test_kserve_runs_the_pod_of_base(rendered: Rendered) -> None:
    (runtime,) = pick(rendered(KSERVE), "ServingRuntime")["spec"]["containers"]
    (pod,) = pick(rendered("base"), "Deployment")["spec"]["template"]["spec"]["containers"]
    user = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    assert runtime["securityContext"] == pod["securityContext"] | user
    assert (runtime["image"], runtime["resources"]["limits"]["cpu"]) == (
        pod["image"],
        pod["resources"]["limits"]["cpu"],
    )
    health = health_endpoint({}).port
    assert sorted(probes(runtime).values()) == sorted((path, health) for path in PATHS)
    assert [port["containerPort"] for port in runtime["ports"]] == [settings().inference.port]
    service = pick(rendered(KSERVE), "InferenceService", "bert")["spec"]["predictor"]["model"]
    formats = [each["name"] for each in pick(rendered(KSERVE), "ServingRuntime")["spec"]["supportedModelFormats"]]
    assert service["modelFormat"]["name"] in formats
    assert variables(runtime)["TS_LOAD_MODELS"] == "bert.mar"


def test_cloud_run_asks_the_images_ports() -> None:
    spec = cloud_run()["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert [port["containerPort"] for port in container["ports"]] == [settings().inference.port]
    assert {port for _, port in probes(container).values()} == {health_endpoint(image_environment()).port}
    assert {path for path, _ in probes(container).values()} <= set(PATHS)
    assert spec["timeoutSeconds"] > 60  # TorchServe's responseTimeout


def test_cloud_run_sends_as_many_requests_as_the_queue_holds_in_the_memory_that_it_is_told() -> None:
    spec = cloud_run()["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    option, memory = container["args"]
    assert (option, memory) == ("--memory", container["resources"]["limits"]["memory"])
    planned = plan_bert_base(variables(container), memory)
    planned.require_fit()
    assert (planned.machine.cores, planned.queue_length) == (
        int(container["resources"]["limits"]["cpu"]),
        spec["containerConcurrency"],
    )


def test_the_document_says_what_a_bert_base_needs() -> None:
    document = (ROOT / "docs/platforms.md").read_text("utf-8")
    _, _, table = document.partition("| variables | GiB |\n|---|---|\n")
    rows = [line.split("|")[1:3] for line in table.partition("\n\n")[0].splitlines()]
    planned = [plan_bert_base(dict(re.findall(r"`(\w+)=(\w+)`", named))).least.total_bytes for named, _ in rows]
    assert [f"{gib.strip()} GiB" for _, gib in rows] == [format_bytes(least) for least in planned]
    assert len(set(planned)) == 3


@pytest.mark.parametrize("version", VERSIONS)
def test_cloud_runs_container_is_one_of_the_api(version: str) -> None:
    (container,) = cloud_run()["spec"]["template"]["spec"]["containers"]
    template: dict[str, Any] = {"metadata": {}, "spec": {"containers": [container]}}
    pod = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "a"}, "template": template}
    assert check_kubernetes(pod, version).outcome is Outcome.OK


@pytest.mark.skipif(not SDK_PARSER.is_file(), reason="the parser of gcloud app deploy is not installed")
@pytest.mark.parametrize(("change", "is_read"), [("", True), ("check_interval_secs: 5\n", False)])
def test_app_engine_is_read_by_the_sdks_own_parser(change: str, is_read: bool) -> None:
    text = (PLATFORMS / "app-engine/app.yaml").read_text("utf-8") + change
    library = SDK_PARSER.parents[3]
    ran = subprocess.run(
        [sys.executable, "-c", READ_APP],
        input=text,
        env={"PYTHONPATH": f"{library}:{library / 'third_party'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode == 0) == is_read, ran.stderr


def test_the_documented_patch_names_the_bucket(rendered: Rendered) -> None:
    document = (ROOT / "docs/platforms.md").read_text("utf-8")
    (path,) = re.findall(r"path: (/\S+/bucketName), value: my-models", document)
    found: Any = pick(rendered(BUCKET), "Deployment")
    for step in path.strip("/").split("/"):
        found = found[int(step)] if isinstance(found, list) else found[step]
    assert found == "BUCKET"
