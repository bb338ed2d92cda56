"""k8s/gke/deploy.sh against stand-ins for the cloud."""

import re
import shlex
from typing import Any

import pytest
import yaml

from tests.k8s import crds
from tests.k8s.conftest import needs_kubectl
from tests.k8s.renderings import ROOT, Document, label, pick

from .cloud import GKE, OVERLAYS, Cloud, load_balancer

DIGEST = "sha256:" + "d" * 64
IMAGE = "europe-west4-docker.pkg.dev/my-project/berth/berth"
LOGS = ["logs", "--selector=app.kubernetes.io/name=berth", "--tail=30", "--prefix", "--ignore-errors"]
LOOKS = [["get", "pods", "--output=wide"], ["events"], [*LOGS, "--previous"], LOGS]


@needs_kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_deploys_the_pushed_digest(cloud: Cloud, overlay: str) -> None:
    with load_balancer() as address:
        ran = cloud.run(GKE / "deploy.sh", overlay, STANDIN_ADDRESS=address)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1].startswith(f"curl http://{address}/predictions/bert ")
    assert re.findall(r"^[ -]+image: (.*)$", cloud.applied, re.MULTILINE) == [f"{IMAGE}@{DIGEST}"]


@needs_kubectl
def test_builds_for_the_nodes_with_their_torch(cloud: Cloud) -> None:
    with load_balancer() as address:
        cloud.run(GKE / "deploy.sh", STANDIN_ADDRESS=address, WHEELS=str(cloud.folder))
    calls = cloud.take_calls()
    (base,) = re.findall(r"^ARG BASE=(.*)$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert ["docker", "pull", "--platform=linux/amd64", base] in calls
    (build,) = (shlex.join(call) for call in calls if "build" in call)
    assert build.startswith(f"docker build --tag {IMAGE}:")
    assert " --platform linux/amd64 " in build
    assert f" --build-arg BASE=docker.io/library/debian@sha256:{'b' * 64} " in build
    assert not {"wheels", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"} & set(re.findall(r"\w+", build))


def test_podman_builds_where_no_docker_answers(cloud: Cloud) -> None:
    printed = cloud.run(GKE / "deploy.sh", "--dry-run", STANDIN_REFUSES="docker info").stdout
    assert " image ENGINE=podman " in printed
    assert "\npodman push " in printed


@pytest.mark.parametrize(("folder", "model"), [("", "bert"), ("my-model", "my-model"), ("my-model/", "my-model")])
def test_model_is_called_as_make_image_calls_it(cloud: Cloud, folder: str, model: str) -> None:
    (cloud.folder / "my-model").mkdir()
    checkpoint = folder and f"{cloud.folder}/{folder}"
    printed = cloud.run(GKE / "deploy.sh", "--dry-run", CHECKPOINT=checkpoint).stdout
    assert f" CHECKPOINT={checkpoint.rstrip('/')} MODEL={model} " in printed
    assert re.findall(rf"/predictions/{re.escape(model)}(\S*) ", printed) == ["/1.0/check", ""]
    make = ("make", "--dry-run", "--directory", ROOT, "image", "ENGINE=docker", f"CHECKPOINT={checkpoint}")
    assert f" --build-arg MODEL={model} " in cloud.run(*make).stdout


def test_own_checkpoint_is_named_from_here(cloud: Cloud) -> None:
    for name in ("my-model", "my model"):
        (cloud.folder / name).mkdir()
    here = ("bash", "-c", f'cd "$TMPDIR" && {shlex.quote(str(GKE / "deploy.sh"))} --dry-run')
    assert f" CHECKPOINT={cloud.folder}/my-model " in cloud.run(*here, CHECKPOINT="my-model").stdout
    assert "has a blank, which make cannot take" in cloud.run(*here, CHECKPOINT="my model").stderr


@needs_kubectl
@pytest.mark.parametrize(
    ("settings", "last", "message"),
    [
        ({"STANDIN_REFUSES": "rollout status"}, "rollout status", "the rollout did not succeed within WAIT_S=1;"),
        ({"STANDIN_REFUSES": " wait "}, "wait --for", "the Gateway got no address within WAIT_S=1;"),
        ({"STANDIN_ADDRESS": "127.0.0.1:1"}, "get gateway", "the smoke test got no answer: curl "),
    ],
)
def test_a_failed_deployment_shows_why(cloud: Cloud, settings: dict[str, str], last: str, message: str) -> None:
    ran = cloud.run(GKE / "deploy.sh", **settings)
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].startswith(f"error: {message}")
    step, *looked = cloud.take_calls()[-1 - len(LOOKS) :]
    assert last in shlex.join(step)
    assert [call[3:] for call in looked] == LOOKS
    assert [shlex.join(call) in ran.stderr for call in looked] == [True] * len(LOOKS)


@needs_kubectl
def test_a_given_url_waits_for_no_gateway(cloud: Cloud) -> None:
    with load_balancer() as address:
        ran = cloud.run(GKE / "deploy.sh", URL=f"http://{address}")
    assert ran.returncode == 0, ran.stderr
    assert [call for call in cloud.take_calls() if "gateway/berth" in call] == []


@needs_kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubectl_is_asked_for_what_was_applied(cloud: Cloud, overlay: str) -> None:
    ran = cloud.run(GKE / "deploy.sh", overlay, STANDIN_REFUSES=" wait ")
    words = {word for call in cloud.take_calls() if call[0] == "kubectl" for word in call}
    applied: list[Document] = list(yaml.safe_load_all(cloud.applied))
    assert ran.returncode == 1
    named = {word for word in words if re.fullmatch(r"[a-z]+/[a-z-]+", word)}
    assert named == {"deployment/berth", "gateway/berth"}
    assert named <= {label(entry).lower() for entry in applied}
    (selector,) = (word.partition("=")[2] for word in words if word.startswith("--selector="))
    labels = pick(applied, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert selector in {f"{name}={value}" for name, value in labels.items()}
    assert "--namespace=berth" in words
    assert {entry["metadata"].get("namespace", entry["metadata"]["name"]) for entry in applied} == {"berth"}


def test_gateways_have_the_condition_and_the_field_that_are_asked_for() -> None:
    if not crds.folder().is_dir():
        pytest.skip(f"{crds.folder()}: no such folder of CRDs; BERTH_CRDS names another")
    script = (GKE / "deploy.sh").read_text("utf-8")
    status = crds.schemas(crds.folder())["gateway.networking.k8s.io/v1", "Gateway"]["properties"]["status"]
    conditions = {condition["type"] for condition in status["properties"]["conditions"]["default"]}
    assert set(re.findall(r"--for=condition=(\w+)", script)) <= conditions
    (field,) = re.findall(r"jsonpath=\{\.status\.addresses\[0\]\.(\w+)\}", script)
    assert field in status["properties"]["addresses"]["items"]["properties"]


@needs_kubectl
def test_an_overlay_without_our_image_is_not_applied(cloud: Cloud) -> None:
    ran = cloud.run(GKE / "deploy.sh", "local")
    assert ran.returncode == 1
    assert "its digest could not be pinned; nothing was applied" in ran.stderr
    assert cloud.applied == ""


@needs_kubectl
@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"status": 503}, "error: the smoke test got no answer"),
        ({"health": b'{"status": "differs"}'}, "error: the smoke test expected"),
        ({"result": b'{"status": "ok"}'}, "error: the smoke test expected"),
        ({"result": b"[]"}, "error: the smoke test expected"),
    ],
)
def test_a_failed_smoke_test_is_a_failure(cloud: Cloud, answers: dict[str, Any], message: str) -> None:
    with load_balancer(**answers) as address:
        ran = cloud.run(GKE / "deploy.sh", STANDIN_ADDRESS=address)
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].startswith(message)
    assert "curl" not in ran.stdout.splitlines()[-1:]


@needs_kubectl
@pytest.mark.parametrize(
    "result", [b'{"label":"POSITIVE","score":0.9}', b'[{"label": "A", "score": 0.9}]', b"[-1e-3,0]"]
)
def test_every_kind_of_result_passes_the_smoke_test(cloud: Cloud, result: bytes) -> None:
    with load_balancer(result=result) as address:
        ran = cloud.run(GKE / "deploy.sh", STANDIN_ADDRESS=address)
    assert ran.returncode == 0, ran.stderr


@needs_kubectl
def test_a_key_reaches_the_smoke_test_by_a_file_and_no_log(cloud: Cloud) -> None:
    header = cloud.folder / "key-header"
    header.write_text("authorization: Bearer open-sesame\n")
    with load_balancer(key="open-sesame") as address:
        without = cloud.run(GKE / "deploy.sh", STANDIN_ADDRESS=address)
        ran = cloud.run(GKE / "deploy.sh", STANDIN_ADDRESS=address, KEY_HEADER=str(header))
    assert (without.returncode, ran.returncode) == (1, 0), ran.stderr
    assert "open-sesame" not in ran.stdout + ran.stderr


def test_both_questions_outlast_a_new_load_balancers_errors(cloud: Cloud) -> None:
    asked = [line for line in cloud.run(GKE / "deploy.sh", "--dry-run").stdout.splitlines() if line.startswith("curl ")]
    retries = "--max-time 130 --retry 1000 --retry-delay 5 --retry-all-errors --retry-max-time 1 "
    assert [retries in line for line in asked] == [True, True]


@needs_kubectl
def test_nothing_is_left_behind(cloud: Cloud) -> None:
    with load_balancer() as address:
        cloud.run(GKE / "deploy.sh", STANDIN_ADDRESS=address)
    folders = {path.name for path in cloud.folder.iterdir() if path.is_dir()}
    assert folders <= {".kube"}  # where some builds of kubectl keep a cache of their own
