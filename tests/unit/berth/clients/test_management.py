"""The management client against a server that answers as TorchServe does."""

import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from berth.cli.app import main
from berth.clients.addresses import MANAGEMENT_URL
from berth.clients.management import ManagementClient, WorkerState
from berth.errors import BerthError, RequestFailed, UsageError
from berth.settings import Settings
from tests.support.http_standin import JsonHandler, answering

CONFIG = Path(__file__).parents[4] / "config.properties"
PAGES = {"": (["a", "b"], "2"), "2": (["c", "d"], "4"), "4": ([], None)}
LOADING = {"id": "9001", "status": "UNLOADING", "memoryUsage": 0, "pid": -1, "gpu": False, "gpuUsage": "N/A"}
ON_GPU = {"id": "9000", "status": "READY", "memoryUsage": 5, "pid": 7, "gpu": True, "gpuUsage": "gpuId::0 ..."}
DESCRIBED = {
    "modelName": "a b",
    "modelVersion": "1.0",
    "minWorkers": 2,
    "maxWorkers": 2,
    "batchSize": 64,
    "maxBatchDelay": 1,
    "startupTimeout": 300,
    "workers": [ON_GPU, LOADING],
    "jobQueueStatus": {"remainingCapacity": 120, "pendingRequests": 8},
}


class TorchServe(JsonHandler):
    """Models on three pages, one of them described; all else is not found."""

    def do_GET(self) -> None:  # noqa: N802 - the base class's name
        url = urlsplit(self.path)
        if url.path == "/models":
            names, token = PAGES[parse_qs(url.query).get("next_page_token", [""])[0]]
            page = {"models": [{"modelName": name, "modelUrl": "x"} for name in names]}
            self.answer(200, page | ({"nextPageToken": token} if token else {}))
        elif url.path in ("/models/a%20b", "/models/a%20b/1.0"):
            self.answer(200, [DESCRIBED])
        elif url.path == "/models/a%20b/all":
            self.answer(200, [{**DESCRIBED, "modelVersion": "2.0"}, DESCRIBED])
        elif url.path == "/models/other":
            self.answer(200, [{"modelName": "other"}])
        else:
            self.answer(404, {"code": 404, "type": "ModelNotFoundException", "message": "Model not found: x"})


@pytest.fixture(scope="module")
def management() -> Iterator[ManagementClient]:
    with answering(TorchServe) as url, ManagementClient(url) as client:
        yield client


def test_models_of_every_page(management: ManagementClient) -> None:
    assert management.models() == ["a", "b", "c", "d"]


def test_a_model_and_its_workers(management: ManagementClient) -> None:
    state = management.describe("a b")
    assert state.workers == (
        WorkerState(id="9000", status="READY", pid=7, gpu="gpuId::0 ...", memory_bytes=5),
        WorkerState(id="9001", status="UNLOADING", pid=None, gpu="", memory_bytes=None),
    )
    assert state.num_ready == 1
    assert (state.pending_requests, state.queue_length) == (8, 128)


def test_versions_and_which_one_is_the_default(management: ManagementClient) -> None:
    assert [(state.path, state.is_default) for state in management.versions("a b")] == [
        ("a b/1.0", True),
        ("a b/2.0", False),
    ]
    assert [management.describe(path).is_default for path in ("a b", "a b/1.0")] == [True, None]


def test_an_unknown_model_says_where_the_names_are(management: ManagementClient) -> None:
    with pytest.raises(RequestFailed, match="404: Model not found: x; `berth models` lists") as caught:
        management.describe("x")
    assert (caught.value.code, caught.value.type) == (404, "ModelNotFoundException")


def test_another_answer_than_torchserves(management: ManagementClient) -> None:
    with pytest.raises(BerthError, match="did not answer as a berth server does"):
        management.describe("other")


def test_a_senseless_number_of_workers_is_refused_before_anybody_is_asked() -> None:
    with (
        ManagementClient("http://127.0.0.1:9") as management,
        pytest.raises(UsageError, match="0 workers: ask for 1 to"),
    ):
        management.scale("bert", workers=0)


@pytest.mark.parametrize(
    "ask",
    [
        lambda management: management.models(),
        lambda management: management.describe("bert"),
        lambda management: management.describe_handler("bert"),
        lambda management: management.scale("bert", workers=1),
    ],
    ids=["models", "describe", "describe_handler", "scale"],
)
def test_no_answer_is_waited_for_longer_than_the_caller_wants(ask: Callable[[ManagementClient], object]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            ManagementClient(url, timeout_s=0.1) as management,
            pytest.raises(BerthError, match=r"answered for 0\.1 s"),
        ):
            ask(management)


def test_commands_ask_where_config_properties_says() -> None:
    assert Settings.load(CONFIG, {}).management.url == MANAGEMENT_URL


@pytest.mark.parametrize("command", [["models"], ["describe", "bert"], ["scale", "bert", "--workers", "2"]])
def test_no_server_is_exit_code_3(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["berth", *command, "--url", "http://127.0.0.1:9"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 3
    assert "no server answers" in capsys.readouterr().err
