"""The server as Cloud Run, KServe and App Engine start it: with their files' own variables, asked where they ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml

from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from tests.support.servers import Server, running_server

PLATFORMS = Path(__file__).parents[3] / "examples" / "platforms"
SERVICE = yaml.safe_load((PLATFORMS / "cloud-run" / "service.yaml").read_text("utf-8"))
APP = yaml.safe_load((PLATFORMS / "app-engine" / "app.yaml").read_text("utf-8"))
(CONTAINER,) = SERVICE["spec"]["template"]["spec"]["containers"]


@pytest.fixture(scope="module")
def server(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """What both files set and say, and PORT, which both platforms do; the ports themselves are free ones."""
    cloud_run = {entry["name"]: entry["value"] for entry in CONTAINER["env"]}
    port = {"PORT": str(CONTAINER["ports"][0]["containerPort"])}
    archive = pack_checkpoint(tiny, PackOptions(output=tmp_path_factory.mktemp("store"))).archive
    variables = {**APP["env_variables"], **cloud_run, **port}
    with running_server([archive], env=variables, options=CONTAINER["args"]) as started:
        yield started


def test_cloud_runs_probes_and_clients_are_answered(server: Server) -> None:
    for kind in ("startupProbe", "livenessProbe"):
        path = CONTAINER[kind]["httpGet"]["path"]
        assert requests.get(f"{server.health_url}{path}", timeout=10).status_code == 200
    answer = requests.post(f"{server.inference_url}/predictions/tiny", json={"inputs": "hello"}, timeout=30)
    assert answer.status_code == 200
    assert answer.json()
    limit = next(int(entry["value"]) for entry in CONTAINER["env"] if entry["name"] == "TS_MAX_REQUEST_SIZE")
    too_long = requests.post(f"{server.inference_url}/predictions/tiny", json={"inputs": "a" * limit}, timeout=30)
    assert too_long.status_code == 413


def test_app_engine_asks_the_clients_port(server: Server) -> None:
    for check in ("readiness_check", "liveness_check"):
        assert requests.get(f"{server.inference_url}{APP[check]['path']}", timeout=10).status_code == 200
