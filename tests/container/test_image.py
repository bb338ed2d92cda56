"""The image as it was built: its size, its layers, its user."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from handler.config import Task
from tests.conftest import MakeCheckpoint

from .podman import ROOT, make_image, podman

MAX_CPU_BYTES = 1.8e9


def inspect_image(image: str) -> dict[str, Any]:
    (inspected,) = json.loads(podman("image", "inspect", image).stdout)
    return dict(inspected)


def test_a_cpu_image_is_small(image: str) -> None:
    program = "import torch; print(torch.version.cuda)"
    cuda = podman("run", "--rm", "--entrypoint", "python3", image, "-c", program).stdout.strip()
    size_bytes = inspect_image(image)["Size"]
    if cuda != "None":
        pytest.skip(
            f"this image has torch's build for CUDA {cuda}: name a CPU build with WHEELS or PIP_EXTRA_INDEX_URL"
        )
    assert size_bytes < MAX_CPU_BYTES


def test_it_runs_as_a_numbered_user_and_has_a_health_check(image: str) -> None:
    inspected = inspect_image(image)
    config = inspected["Config"]
    assert config["User"] == "10001:10001"
    assert inspected["Healthcheck"]["Test"] == ["CMD", "python3", "-m", "berth.health"]
    assert config["Entrypoint"] == ["berth", "serve"]


def test_the_driver_is_found_where_gke_mounts_it(image: str) -> None:
    environment = dict(line.split("=", 1) for line in inspect_image(image)["Config"]["Env"])
    assert "/usr/local/nvidia/bin" in environment["PATH"].split(":")
    assert "/usr/local/nvidia/lib64" in environment["LD_LIBRARY_PATH"].split(":")


def test_it_has_the_code_of_today(image: str) -> None:
    """And not that of an older image, out of a build's cache."""
    command = "cd /opt/berth/lib/python3*/site-packages && find berth handler -name '*.py' -exec sha256sum {} +"
    shipped = podman("run", "--rm", "--entrypoint", "sh", image, "-c", command).stdout
    sources = [path for folder in ("berth", "handler") for path in (ROOT / folder).rglob("*.py")]
    digests = {str(path.relative_to(ROOT)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sources}
    assert {path: digest for digest, path in map(str.split, shipped.splitlines())} == digests


def test_no_secret_and_no_wheel_stay_behind(image: str) -> None:
    command = "find /run/secrets /wheels /installed -type f 2>/dev/null || :"
    assert podman("run", "--rm", "--entrypoint", "sh", image, "-c", command).stdout == ""


@pytest.fixture(scope="module")
def other_image(base: str, checkpoint: MakeCheckpoint) -> Iterator[str]:
    """The same image with another model; removed afterwards."""
    folder = checkpoint("bert", Task.TEXT_CLASSIFICATION)
    make_image(base, "IMAGE=berth-other", f"CHECKPOINT={folder}", "MODEL=other")
    yield "localhost/berth-other"
    podman("rmi", "localhost/berth-other")


def test_a_new_model_changes_one_layer(image: str, other_image: str) -> None:
    layers, others = (inspect_image(name)["RootFS"]["Layers"] for name in (image, other_image))
    assert layers[:-1] == others[:-1]
    assert layers[-1] != others[-1]
