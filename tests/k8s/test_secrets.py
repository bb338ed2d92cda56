"""Keys and certificates: from a Secret that the user makes, read-only, and as a folder, so that a new one is seen."""

from pathlib import PurePosixPath

import pytest

from .conftest import Rendered
from .renderings import RENDERINGS, Document, pick
from .test_agreement import container, image_environment
from .test_pod import environment, pod

WITH_KEYS = [name for name in RENDERINGS if "api-keys" in name]
WITH_TLS = [name for name in RENDERINGS if "tls" in name]


def secret_of(objects: list[Document], path: str) -> str:
    """The Secret whose key is the file at `path`."""
    file = PurePosixPath(path)
    (mount,) = [each for each in container(objects)["volumeMounts"] if each["mountPath"] == str(file.parent)]
    assert mount["readOnly"]
    assert "subPath" not in mount, "the kubelet never updates a subPath"
    (volume,) = [each for each in pod(objects)["volumes"] if each["name"] == mount["name"]]
    assert not volume["secret"].get("optional"), "without its Secret the pod must not start"
    return str(volume["secret"]["secretName"])


@pytest.mark.parametrize("rendering", WITH_KEYS)
def test_keys_are_a_file_of_a_secret_and_nothing_opens_the_server_without_them(
    rendered: Rendered, rendering: str
) -> None:
    objects = rendered(rendering)
    assert secret_of(objects, environment(objects)["BERTH_API_KEYS_FILE"]) == "berth-api-keys"
    assert environment(objects)["BERTH_NO_KEYS"] == ""


@pytest.mark.parametrize("rendering", sorted(set(RENDERINGS) - set(WITH_KEYS)))
def test_without_keys_the_pod_says_so(rendered: Rendered, rendering: str) -> None:
    found = environment(rendered(rendering))
    assert found["BERTH_NO_KEYS"] == image_environment()["BERTH_NO_KEYS"] == "1"
    assert "BERTH_API_KEYS_FILE" not in found


@pytest.mark.parametrize("rendering", WITH_TLS)
def test_tls_is_the_images_address_with_a_secret_of_kubernetes_own_type(rendered: Rendered, rendering: str) -> None:
    objects = rendered(rendering)
    found = environment(objects)
    files = found["TS_CERTIFICATE_FILE"], found["TS_PRIVATE_KEY_FILE"]
    assert [PurePosixPath(path).name for path in files] == ["tls.crt", "tls.key"]  # of the type kubernetes.io/tls
    assert {secret_of(objects, path) for path in files} == {"berth-tls"}
    plain = image_environment()["TS_INFERENCE_ADDRESS"]
    assert found["TS_INFERENCE_ADDRESS"] == plain.replace("http://", "https://")


@pytest.mark.parametrize("rendering", WITH_TLS)
def test_a_load_balancer_is_told_of_tls(rendered: Rendered, rendering: str) -> None:
    ports = pick(rendered(rendering), "Service")["spec"]["ports"]
    assert {port["name"]: port["appProtocol"] for port in ports} == {"http": "HTTPS", "grpc": "HTTP2"}
