"""Two versions of one name on one server, and another default while sixteen clients never pause."""

import json
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import grpc
import pytest
import requests

from berth.archive.verify import content_id
from berth.clients.management import ManagementClient
from berth.gateway.over_grpc.services import message_of
from berth.rollout.state import State
from tests.support.front.haproxy import needs_haproxy
from tests.support.rollout.clients import never_pausing
from tests.support.rollout.orders import answer, environment, finish, order, start
from tests.support.rollout.versions import FAILS_WHEN_ASKED, make_version
from tests.support.servers import BERTH, Server, running_server

pytestmark = [pytest.mark.server, needs_haproxy]


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Version 1.10 is the highest, and stands last."""
    folder = tmp_path_factory.mktemp("versions")
    return [make_version(folder, "1.9"), make_version(folder, "1.10")]


@pytest.fixture(scope="module")
def server(archives: list[Path]) -> Iterator[Server]:
    with running_server(archives) as running:
        yield running


def test_the_highest_version_is_the_default_and_each_has_its_addresses(server: Server) -> None:
    assert "ready: bert (1.10 by default, and 1.9)" in server.log
    assert [answer(server, path) for path in ("bert", "bert/1.9", "bert/1.10", "bert/2.0")] == [
        *("1.10", "1.9", "1.10", "404"),
    ]
    ready = [
        requests.get(f"{server.inference_url}/v2/models/bert{path}/ready", timeout=20).status_code
        for path in ("", "/versions/1.9", "/versions/1.10", "/versions/2.0")
    ]
    assert ready == [200, 200, 200, 404]
    metrics = requests.get(f"{server.health_url}/metrics", timeout=20).text
    for version in ("1.9", "1.10"):
        assert f'berth_front_waiting{{model_name="bert",model_version="{version}"}} 0' in metrics


@pytest.mark.parametrize(("version", "answered"), [("", "1.10"), ("1.9", "1.9"), ("1.10", "1.10")])
def test_v2_finds_the_version_that_is_named_over_rest_and_grpc(server: Server, version: str, answered: str) -> None:
    path = f"/versions/{version}" * bool(version)
    body = {"inputs": ["is it you?"]}
    found = requests.post(f"{server.inference_url}/v2/models/bert{path}/infer", json=body, timeout=60)
    assert found.json()[0]["label"] == answered
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        ask = channel.unary_unary("/inference.GRPCInferenceService/ModelReady")
        request = message_of("ModelReadyRequest")(name="bert", version=version)
        assert message_of("ModelReadyResponse").FromString(ask(request.SerializeToString())).ready


def test_another_default_loses_no_request_and_can_be_taken_back(server: Server, archives: list[Path]) -> None:
    with never_pausing(server) as clients:
        server.require(lambda: clients.all_saw("1.10"), 60.0, "every client got an answer")
        steps = order(server, "default", "bert", "1.9")
        server.require(lambda: clients.all_saw("1.9"), 60.0, "every client is led to the new default")
        assert [answer(server, path) for path in ("bert", "bert/1.9", "bert/1.10")] == ["1.9", "1.9", "1.10"]
    assert clients.failures == {}
    assert list(steps) == ["switched", "done"]
    assert steps["done"]["facts"]["live"] == {"bert": "1.9"}
    assert State.read(archives).archives() == tuple(archives)
    described = [described_by(server, model) for model in ("bert", "bert/1.10")]
    assert [(each["version"], each["is_default"]) for each in described] == [("1.9", True), ("1.10", False)]
    order(server, "rollback")
    assert (answer(server), State.read(archives).archives()) == ("1.10", tuple(reversed(archives)))
    again = order(server, "default", "bert", "1.10")
    assert (list(again), again["done"]["facts"]["changed"]) == (["done"], False)


def test_the_page_keeps_versions_apart(server: Server, archives: list[Path]) -> None:
    asked = f"{server.inference_url}/ui"
    models = requests.get(f"{asked}/models", timeout=20).json()["models"]
    assert [(each["version"], each["is_default"], each["content"]) for each in models] == [
        ("1.10", True, content_id(archives[1])),
        ("1.9", False, content_id(archives[0])),
    ]
    address, from_its_page = f"{asked}/models/bert/1.9/workers", {"sec-fetch-site": "same-origin"}
    for workers in (2, 1):
        scaled = requests.put(address, json={"workers": workers}, headers=from_its_page, timeout=20)
        assert scaled.status_code == 202, scaled.text
        is_scaled = partial(shows_workers, server, {"bert/1.10": 1, "bert/1.9": workers})
        server.require(is_scaled, 60.0, "one version is scaled")


def test_a_version_is_one_content(server: Server, tmp_path: Path) -> None:
    other = make_version(tmp_path, "1.9", FAILS_WHEN_ASKED)
    code, steps = finish(start(server, "register", other))
    assert (code, "pack it with another --version" in steps["failed"]["text"]) == (4, True)


def test_a_rollout_replaces_the_default_and_leaves_the_other_versions(server: Server, tmp_path: Path) -> None:
    with ManagementClient(server.management_url) as management:
        management.scale("bert/1.10", workers=2)
    order(server, "register", make_version(tmp_path, "3.0"), "--observe", "0s")
    assert [answer(server, path) for path in ("bert", "bert/1.9", "bert/3.0")] == ["1.10", "1.9", "3.0"]
    steps = order(server, "rollout", make_version(tmp_path, "2.0"), "--observe", "0s")
    workers = {"bert/2.0": 2, "bert/1.9": 1, "bert/3.0": 1}  # the new version has the old one's
    assert steps["counted"]["facts"]["workers"] == workers
    with ManagementClient(server.management_url) as management:
        assert {path: management.describe(path).num_ready for path in workers} == workers
    paths = ("bert", "bert/1.9", "bert/3.0", "bert/1.10")
    assert [answer(server, path) for path in paths] == ["2.0", "1.9", "3.0", "404"]


def test_the_default_that_was_chosen_is_the_default_after_a_restart(server: Server, archives: list[Path]) -> None:
    order(server, "default", "bert", "1.9")
    server.process.send_signal(signal.SIGTERM)
    assert server.wait_for_end() == 0
    with running_server(archives) as again:
        assert "ready: bert (1.9 by default, and 3.0, 2.0)" in again.log
        assert [answer(again, path) for path in ("bert", "bert/2.0")] == ["1.9", "2.0"]


def shows_workers(server: Server, expected: dict[str, int]) -> bool:
    """Whether the page shows so many workers of each version."""
    state = requests.get(f"{server.inference_url}/ui/state", timeout=20).json()
    assert state["memory"]["used_bytes"] > 2**20
    return {model: len(each["workers"]) for model, each in state["models"].items()} == expected


def described_by(server: Server, model: str) -> dict[str, object]:
    """What `berth describe` says of a model."""
    command = [str(BERTH), "describe", model, "--url", server.management_url, "--json"]
    found = subprocess.run(command, env=environment(server), capture_output=True, text=True, check=True)
    return dict(json.loads(found.stdout))
