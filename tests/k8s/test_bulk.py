"""The overlays of `berth bulk`: pods as locked up as the server's, nobody let in, a command that berth understands."""

from collections.abc import Iterator
from typing import Any

import pytest

from berth.errors import Refused, UsageError

from .checkers import pod_templates
from .conftest import Rendered
from .renderings import BULK, Document, pick
from .test_pod import container as containers_of_server
from .test_pod import pod as pod_of_server

NAME = "berth-bulk"


@pytest.fixture(params=BULK)
def objects(rendered: Rendered, request: pytest.FixtureRequest) -> list[Document]:
    return rendered(request.param)


def pods(objects: list[Document]) -> Iterator[Document]:
    """The specs of all pods that the objects start."""
    for template in pod_templates([each for each in objects if each["kind"] in ("Job", "RayJob")]):
        assert template["metadata"]["labels"]["app.kubernetes.io/name"] == NAME
        yield template["spec"]


def container(spec: Document) -> Document:
    (only,) = spec["containers"]
    found: Document = only
    return found


def test_every_pod_is_as_restricted_as_the_servers(objects: list[Document], rendered: Rendered) -> None:
    served = rendered("base")
    assert pick(objects, "Namespace", NAME)["metadata"]["labels"] == {
        "pod-security.kubernetes.io/enforce": "restricted"
    }
    assert list(pods(objects))
    for spec in pods(objects):
        assert spec["securityContext"] == pod_of_server(served)["securityContext"]
        assert container(spec)["securityContext"] == containers_of_server(served)["securityContext"]
        assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == (NAME, False)
        assert container(spec)["image"] == "berth.invalid/berth"


def test_requests_are_limits_and_gpus_are_those_of_spot_nodes(objects: list[Document]) -> None:
    for spec in pods(objects):
        resources = container(spec)["resources"]
        gpus = resources["limits"].pop("nvidia.com/gpu", None)
        assert resources["limits"] == resources["requests"]
        chosen = {"cloud.google.com/gke-accelerator": "nvidia-l4", "cloud.google.com/gke-spot": "true"}
        assert spec.get("nodeSelector", {}) == (chosen if gpus else {})
        assert {each["key"] for each in spec.get("tolerations", [])} == (
            {"nvidia.com/gpu", "cloud.google.com/gke-spot"} if gpus else set()
        )
    assert "nvidia.com/gpu" in str(objects)


def test_nobody_reaches_a_pod_but_its_own_kind_and_the_operator(objects: list[Document]) -> None:
    policy = pick(objects, "NetworkPolicy", NAME)["spec"]
    assert policy["podSelector"] == {}
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    own, operator = policy["ingress"]
    assert own == {"from": [{"podSelector": {}}]}
    assert operator["ports"] == [{"port": 8265}]
    outside = [rule for rule in policy["egress"] if "ports" in rule]
    assert sorted({port["port"] for rule in outside for port in rule["ports"]}) == [53, 80, 443]


def test_a_job_ends_for_what_would_fail_again_and_goes_on_when_its_node_is_taken(rendered: Rendered) -> None:
    spec = pick(rendered("bulk-job"), "Job", NAME)["spec"]
    ignored, failed = spec["podFailurePolicy"]["rules"]
    assert (ignored["action"], ignored["onPodConditions"][0]["type"]) == ("Ignore", "DisruptionTarget")
    assert (failed["action"], failed["onExitCodes"]["values"]) == ("FailJob", [UsageError.exit_code, Refused.exit_code])
    assert failed["onExitCodes"]["containerName"] == container(spec["template"]["spec"])["name"]
    assert spec["podReplacementPolicy"] == "Failed"


def test_what_is_read_and_written_is_said_once(objects: list[Document]) -> None:
    assert pick(objects, "ConfigMap", NAME)["data"].keys() == {"INPUT", "OUTPUT"}
    readers = [spec for spec in pods(objects) if "envFrom" in container(spec)]
    assert [container(spec)["envFrom"] for spec in readers] == [[{"configMapRef": {"name": NAME}}]]


def test_both_wait_for_the_same_queue(objects: list[Document]) -> None:
    job: dict[str, Any] = next(each for each in objects if each["kind"] in ("Job", "RayJob"))
    assert job["metadata"]["labels"] == {"kueue.x-k8s.io/queue-name": NAME}
