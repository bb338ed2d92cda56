"""Every checker accepts every rendering, and each of them can refuse."""

import io
from pathlib import Path
from typing import Any

import pytest

from . import crds
from .__main__ import report
from .checkers import CHECKERS, VERSIONS, Outcome, check_kubernetes, check_object, check_style, file_rows
from .conftest import Rendered
from .renderings import BULK, CANARY, PLACES, RENDERINGS, SCALING, Document, KustomizeError, kustomize, label, pick


def with_definitions() -> None:
    if not crds.folder().is_dir():
        pytest.skip(f"{crds.folder()}: no such folder of CRDs; BERTH_CRDS names another")


@pytest.mark.parametrize("rendering", [*RENDERINGS, *CANARY, *SCALING, *PLACES, *BULK])
def test_no_checker_refuses(rendered: Rendered, rendering: str) -> None:
    verdicts = {label(document): check_object(document) for document in rendered(rendering)}
    flat = [(name, checker, verdict) for name, said in verdicts.items() for checker, verdict in said.items()]
    assert [entry for entry in flat if entry[2].outcome is Outcome.REFUSED] == []
    assert [
        name for name, said in verdicts.items() if all(each.outcome is Outcome.NOT_MINE for each in said.values())
    ] == []
    if skipped := [verdict.reason for _, _, verdict in flat if verdict.outcome is Outcome.SKIPPED]:
        pytest.skip(skipped[0])


def test_files_are_tidy_and_used() -> None:
    assert [row for row in file_rows() if {said.outcome for said in row.verdicts.values()} != {Outcome.OK}] == []


CONTAINER = "spec.template.spec.containers.0"
API_FAULTS = [
    ("Deployment", f"{CONTAINER}.imagePullPolice", "Never"),
    ("Deployment", f"{CONTAINER}.lifecycle.preStop.slep", {"seconds": 1}),
    ("Deployment", f"{CONTAINER}.ports.0.containerPort", "http"),
    ("Deployment", "kind", "Deploymint"),
    ("Deployment", "apiVersion", "apps/v2"),
    ("Service", "metadata.lables", {}),
    ("NetworkPolicy", "spec.ingres", []),
]
SCHEMA_FAULTS = [
    ("Gateway", "spec.listeners.0.prot", 80),
    ("Gateway", "metadata.lables", {}),
    ("Gateway", "kind", "Gatevay"),
    ("HTTPRoute", "spec.rules.0.backendRefs.0.port", 0),
    ("HealthCheckPolicy", "spec.default.checkIntervalSecs", 5),
    ("GCPBackendPolicy", "spec.default.connectionDraining.drainingTimeoutSec", 3601),
    ("PodMonitoring", "spec.endpoints.0.interval", None),
]
HTTP_CHECK = "spec.default.config.httpHealthCheck"
RULE_FAULTS = [
    ("HealthCheckPolicy", f"{HTTP_CHECK}.portSpecification", "USE_SERVING_PORT"),
    ("HealthCheckPolicy", f"{HTTP_CHECK}.portName", "health"),
    ("HealthCheckPolicy", "spec.default.config.type", "HTTPS"),
    ("HealthCheckPolicy", "spec.default.timeoutSec", 6),
    ("HTTPRoute", "spec.rules.0.matches.0.path.value", "predictions"),
    ("Gateway", "spec.listeners.0.tls", {"mode": "Terminate"}),
    ("PodMonitoring", "spec.endpoints.0.port", 0),
]


def put(document: Document, path: str, value: Any) -> Document:
    """Sets the field at a dotted path; None removes it."""
    *parents, last = path.split(".")
    target: Any = document
    for step in parents:
        target = target[int(step)] if isinstance(target, list) else target[step]
    if value is None:
        del target[last]
    else:
        target[last] = value
    return document


@pytest.mark.parametrize(("kind", "path", "value"), API_FAULTS)
@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_validate_refuses(rendered: Rendered, version: str, kind: str, path: str, value: Any) -> None:
    document = put(pick(rendered("gke-gpu"), kind), path, value)
    assert check_kubernetes(document, version).outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    "path", ["submitterPodTemplate.spec.containers.0.imag", "rayClusterSpec.headGroupSpec.template.spec.volumess"]
)
def test_pods_within_a_custom_resource_are_checked(rendered: Rendered, path: str) -> None:
    document = put(pick(rendered("bulk-ray"), "RayJob", "berth-bulk"), f"spec.{path}", "x")
    assert CHECKERS["pods in it"](document).outcome is Outcome.REFUSED


def test_the_pod_of_a_serving_runtime_is_checked(rendered: Rendered) -> None:
    document = put(pick(rendered("kserve"), "ServingRuntime"), "spec.containers.0.readinessProb", {})
    assert CHECKERS["pods in it"](document).outcome is Outcome.REFUSED


def test_a_definition_that_no_package_has_is_a_skip_that_names_it(rendered: Rendered) -> None:
    verdict = CHECKERS["CRD schema"](pick(rendered("bulk-ray"), "RayJob", "berth-bulk"))
    assert verdict.outcome is Outcome.SKIPPED
    assert "no package has CRDs of ray.io/v1" in verdict.reason


@pytest.mark.parametrize(
    ("checker", "kind", "path", "value"),
    [("CRD schema", *fault) for fault in SCHEMA_FAULTS] + [("CRD rules", *fault) for fault in RULE_FAULTS],
)
def test_definitions_refuse(rendered: Rendered, checker: str, kind: str, path: str, value: Any) -> None:
    with_definitions()
    document = put(pick(rendered("gke-gpu"), kind), path, value)
    assert CHECKERS[checker](document).outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("rendering", "name", "path", "value"),
    [
        (SCALING[1], "ScaledObject/berth", "spec.triggers.0.metadatas", {}),
        (SCALING[1], "ScaledObject/berth", "spec.maxReplicaCount", "many"),
        (SCALING[1], "ScaledObject/berth", "spec.scaleTargetRef", None),
        (SCALING[1], "ScaledObject/berth", "spec.triggers.0.authenticationRef.nam", "berth"),
        (PLACES[1], "ServingRuntime/berth", "spec.supportedModelFormat", []),
        (PLACES[1], "ServingRuntime/berth", "spec.supportedModelFormats.0.autoSelect", "no"),
        (PLACES[1], "InferenceService/bert", "spec.predictor.model.storageURI", "gs://a"),
        (PLACES[1], "InferenceService/bert", "spec.predictor.minReplicas", True),
        (PLACES[1], "InferenceService/bert", "spec.predictors", {}),
    ],
)
def test_a_packages_model_refuses(rendered: Rendered, rendering: str, name: str, path: str, value: Any) -> None:
    document = put(pick(rendered(rendering), *name.split("/")), path, value)
    assert CHECKERS["CRD schema"](document).outcome is Outcome.REFUSED


def test_missing_definitions_are_skipped_and_said(rendered: Rendered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTH_CRDS", "/nowhere")
    verdict = check_object(pick(rendered("gke-gpu"), "Gateway"))["CRD rules"]
    assert verdict.outcome is Outcome.SKIPPED
    assert "/nowhere: no such folder" in verdict.reason


def test_untidy_yaml_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "twice.yaml"
    file.write_text("kind: Service\nkind: Gateway\n", "utf-8")
    assert "duplication of key" in check_style(file).reason


@pytest.mark.usefixtures("rendered")
def test_a_missing_file_does_not_render(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [missing.yaml]\n", "utf-8")
    with pytest.raises(KustomizeError, match=r"missing\.yaml"):
        kustomize(tmp_path)


@pytest.mark.usefixtures("rendered")
def test_table_names_everything_and_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTH_CRDS", str(tmp_path))
    written = io.StringIO()
    assert report(written) == 1
    table = written.getvalue()
    assert [name for name in (*RENDERINGS, *CANARY, *SCALING, *PLACES, *BULK) if f" {name} " not in table] == []
    assert "k8s/base/deployment.yaml" in table
    assert f"{tmp_path} has no Gateway" in table
