"""k8s/, the Dockerfile and config.properties say the same: ports, user, folders, probe, and who owns a variable."""

import json
import re
from functools import cache

import pytest

from berth.clients.launcher import health_endpoint
from berth.settings import Settings, find_config

from .conftest import Rendered
from .renderings import RENDERINGS, ROOT, Document, pick


@cache
def instructions() -> list[tuple[str, str]]:
    """(instruction, arguments) of the Dockerfile's last stage."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text("utf-8"))
    lines = [line for line in text.rpartition("\nFROM ")[2].splitlines()[1:] if line and not line.startswith("#")]
    return [(word, arguments.strip()) for word, _, arguments in (line.partition(" ") for line in lines)]


def arguments(instruction: str) -> str:
    (found,) = [text for word, text in instructions() if word == instruction]
    return found


def image_environment() -> dict[str, str]:
    pairs = (setting.partition("=") for word, text in instructions() if word == "ENV" for setting in text.split())
    return {name: value for name, _, value in pairs}


def container(objects: list[Document]) -> Document:
    spec: Document = pick(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    return spec


@pytest.fixture(params=RENDERINGS)
def objects(rendered: Rendered, request: pytest.FixtureRequest) -> list[Document]:
    return rendered(request.param)


@cache
def settings() -> Settings:
    """config.properties as the launcher reads it in the image."""
    return Settings.load(find_config(ROOT / "config.properties"), image_environment())


def test_ports_are_the_servers_own(objects: list[Document]) -> None:
    opened = {port["name"]: port["containerPort"] for port in container(objects)["ports"]}
    assert opened == {
        "http": settings().inference.port,
        "grpc": settings().grpc_inference.port,
        "metrics": settings().metrics.port,
        "health": health_endpoint(image_environment()).port,
    }
    assert set(opened.values()) == set(map(int, arguments("EXPOSE").split()))


def test_image_opens_these_ports_and_keeps_management_to_itself() -> None:
    opened = (settings().inference, settings().grpc_inference, settings().metrics)
    assert not any(endpoint.is_loopback for endpoint in opened)
    assert health_endpoint(image_environment()).host == "0.0.0.0"  # noqa: S104 - in the pod
    assert settings().management.is_loopback
    assert settings().grpc_management.is_loopback
    assert not {settings().management.port, settings().grpc_management.port} & set(
        map(int, arguments("EXPOSE").split())
    )


def test_image_changes_addresses_and_no_port() -> None:
    plain = Settings.load(find_config(ROOT / "config.properties"), {})
    assert [endpoint.port for endpoint in settings().endpoints] == [endpoint.port for endpoint in plain.endpoints]


def test_user_is_the_images(objects: list[Document]) -> None:
    context = pick(objects, "Deployment")["spec"]["template"]["spec"]["securityContext"]
    assert f"{context['runAsUser']}:{context['runAsGroup']}" == arguments("USER")


def test_only_the_temp_folder_is_writable(objects: list[Document]) -> None:
    pod = pick(objects, "Deployment")["spec"]["template"]["spec"]
    writable = {
        mount["name"]: mount["mountPath"] for mount in container(objects)["volumeMounts"] if "readOnly" not in mount
    }
    assert list(writable.values()) == [image_environment()["TMPDIR"]]
    others = {volume["name"]: volume for volume in pod["volumes"]}
    assert "sizeLimit" in others.pop(*writable)["emptyDir"]
    assert all(volume.keys() == {"name", "secret"} for volume in others.values())


def test_variables_of_the_image_are_set_there_only(objects: list[Document]) -> None:
    """But who may ask is said in the open, and TLS is another address."""
    again = {entry["name"] for entry in container(objects)["env"]} & image_environment().keys()
    with_tls = any(entry["name"] == "TS_CERTIFICATE_FILE" for entry in container(objects)["env"])
    assert again == {"BERTH_NO_KEYS"} | ({"TS_INFERENCE_ADDRESS"} if with_tls else set())
    assert not {"command", "args"} & container(objects).keys()


def test_exec_probe_is_the_images_health_check(rendered: Rendered) -> None:
    command = json.loads(arguments("HEALTHCHECK").partition(" CMD ")[2])
    assert container(rendered("local"))["livenessProbe"]["exec"]["command"] == [*command, "/live"]
