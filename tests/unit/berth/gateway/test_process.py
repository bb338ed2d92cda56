"""The gateway's process before a stand-in for the models' server: what it passes on, how calls and it itself end."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import grpc
import httpx2
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tritonclient.grpc import service_pb2
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from berth.wait import wait_until
from tests.support.front.gateway import Gateway, accepts, make_settings, running_gateway
from tests.support.http_standin import JsonHandler, answering

WAIT_S = 60.0  # of a process that starts, on a busy machine
EMBEDDINGS = "http://berth/v1/embeddings"
ANSWER = {"object": "list", "data": [], "model": "m", "usage": {"prompt_tokens": 0, "total_tokens": 0}}


class ModelServer(JsonHandler):
    """Answers when it may, and remembers what it was asked and who hung up."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[dict[str, str]]] = []
    hung_up = threading.Event()
    may_answer = threading.Event()

    def do_GET(self) -> None:  # noqa: N802 - the base class's name
        self.answer(200, {"name": "m", "versions": ["1.0"]} if self.path.endswith("/v2") else {"status": "ok"})

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        self.rfile.read(int(self.headers["content-length"]))
        self.asked.append({name.lower(): value for name, value in self.headers.items()})
        while not self.may_answer.wait(0.01):
            self.connection.settimeout(0.01)
            try:
                if self.connection.recv(1, socket.MSG_PEEK) == b"":
                    self.hung_up.set()
                    self.close_connection = True
                    return
            except TimeoutError:
                pass
        self.connection.settimeout(None)
        self.answer(200, ANSWER)


@pytest.fixture(scope="module")
def standin() -> Iterator[str]:
    with answering(ModelServer) as url:
        yield url


@pytest.fixture(scope="module")
def gateway(standin: str) -> Iterator[Gateway]:
    with running_gateway(standin, standin, {"m": ["1.0", "0.9"]}) as running:
        yield running


@pytest.fixture(autouse=True)
def _forget() -> None:
    ModelServer.asked.clear()
    ModelServer.hung_up.clear()
    ModelServer.may_answer.set()


@pytest.fixture
def http(gateway: Gateway) -> Iterator[httpx2.Client]:
    with connected(gateway) as client:
        yield client


@pytest.fixture
def stub(gateway: Gateway) -> Iterator[Any]:
    with grpc.insecure_channel(gateway.grpc_target) as channel:
        yield GRPCInferenceServiceStub(channel)


def connected(gateway: Gateway) -> httpx2.Client:
    return httpx2.Client(transport=httpx2.HTTPTransport(uds=gateway.settings.http), timeout=60)


def infer(**fields: Any) -> Any:
    return service_pb2.ModelInferRequest(model_name="m", **fields)


PASSED = {"x-request-id": "r", "traceparent": "00-1-2-01", "x-priority": "low"}
LATE_MS = "1000"  # within which the model's server is asked, on a busy machine too
GRPC_STEP_MS = 100  # gRPC writes a minute's timeout in tenths of a second, and rounds it up
HEAD = b"POST /v1/embeddings HTTP/1.1\r\nhost: berth\r\ncontent-length: %d\r\n\r\n"
KEPT_BACK = {"authorization": "Bearer secret", "cookie": "c=1", "x-other": "1"}


def test_ids_and_priority_go_on_and_keys_do_not(http: httpx2.Client, stub: Any) -> None:
    http.post(EMBEDDINGS, json={"input": "a"}, headers={**PASSED, **KEPT_BACK, "x-timeout-ms": "60000"})
    with pytest.raises(grpc.RpcError):  # the stand-in's answer has no tensors
        stub.ModelInfer(infer(), metadata=tuple({**PASSED, **KEPT_BACK}.items()), timeout=60)
    for seen, most_ms in zip(ModelServer.asked, (60_000, 60_000 + GRPC_STEP_MS), strict=True):
        assert {name: seen.get(name) for name in PASSED} == PASSED
        assert not seen.keys() & (KEPT_BACK.keys() | {"accept-encoding", "user-agent"})
        assert 50_000 < int(seen["x-timeout-ms"]) <= most_ms


def test_without_a_time_there_is_none(http: httpx2.Client, stub: Any) -> None:
    http.post(EMBEDDINGS, json={"input": "a"})
    with pytest.raises(grpc.RpcError):
        stub.ModelInfer(infer())
    assert [seen.get("x-timeout-ms") for seen in ModelServer.asked] == [None, None]


@pytest.mark.parametrize("version", ["", "0.9"])
def test_metadata_lists_all_versions_the_default_first(http: httpx2.Client, stub: Any, version: str) -> None:
    path = f"/versions/{version}" * bool(version)
    assert http.get(f"http://berth/v2/models/m{path}").json() == {"name": "m", "versions": ["1.0", "0.9"]}
    answer = stub.ModelMetadata(service_pb2.ModelMetadataRequest(name="m", version=version))
    assert list(answer.versions) == ["1.0", "0.9"]


def test_what_is_late_is_refused(http: httpx2.Client) -> None:
    ModelServer.may_answer.clear()
    late = http.post(EMBEDDINGS, json={"input": "a"}, headers={"x-timeout-ms": LATE_MS})
    assert (late.status_code, late.json()["error"]["type"]) == (503, "DeadlineExceeded")
    assert late.headers["retry-after"] == "1"
    assert ModelServer.hung_up.wait(WAIT_S)
    over = http.post(EMBEDDINGS, json={"input": "a"}, headers={"x-deadline-ms": str(int(time.time() * 1000) - 1)})
    assert (over.status_code, over.json()["error"]["type"]) == (503, "DeadlineExceeded")
    assert len(ModelServer.asked) == 1


@pytest.mark.parametrize("said", ["0", "-1", "1.5", "soon", "9" * 12, "9" * 5_000])
def test_a_time_that_is_none(http: httpx2.Client, said: str) -> None:
    answer = http.post(EMBEDDINGS, json={"input": "a"}, headers={"x-timeout-ms": said})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "InvalidInput")
    assert "whole number of milliseconds" in answer.json()["error"]["message"]


def test_who_hangs_up_is_hung_up_on(gateway: Gateway, stub: Any) -> None:
    ModelServer.may_answer.clear()
    call = stub.ModelInfer.future(infer())
    assert wait_until(lambda: bool(ModelServer.asked), WAIT_S)
    call.cancel()
    assert ModelServer.hung_up.wait(WAIT_S)
    ModelServer.hung_up.clear()
    ModelServer.asked.clear()
    body = json.dumps({"input": ["a"] * 300}).encode()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(gateway.settings.http)
        client.sendall(HEAD % len(body) + body)
        assert wait_until(lambda: len(ModelServer.asked) == 2, WAIT_S), "both parts are asked"
    assert ModelServer.hung_up.wait(WAIT_S)


def test_who_goes_while_he_sends_leaves_no_trace(gateway: Gateway, http: httpx2.Client) -> None:
    head = HEAD % 100
    for part in (head[:20], head, head + b'{"input": "a'):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(gateway.settings.http)
            client.sendall(part)
    assert http.post(EMBEDDINGS, json={"input": "a"}).json() == ANSWER
    assert gateway.log == ""


def test_what_was_accepted_is_answered_before_the_end(standin: str) -> None:
    with running_gateway(standin, standin, {"m": ["1.0"]}) as ending, connected(ending) as client:
        ModelServer.may_answer.clear()
        found: list[httpx2.Response] = []
        asking = threading.Thread(target=lambda: found.append(client.post(EMBEDDINGS, json={"input": "a"})))
        asking.start()
        with grpc.insecure_channel(ending.grpc_target) as channel:
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
            assert wait_until(lambda: bool(ModelServer.asked), WAIT_S)
            ending.process.send_signal(signal.SIGTERM)
            assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert wait_until(lambda: not accepts(ending.settings.http), WAIT_S)
        ModelServer.may_answer.set()
        asking.join(WAIT_S)
        assert [answer.json() for answer in found] == [ANSWER]
        assert ending.process.wait(WAIT_S) == 0


def test_it_starts_again_where_it_was_killed(standin: str, tmp_path: Path) -> None:
    settings = make_settings(tmp_path, standin, standin, {"m": ["1.0"]})
    for end in (signal.SIGKILL, signal.SIGTERM):
        process = subprocess.Popen(settings.command)
        assert wait_until(lambda: accepts(settings.http) and accepts(settings.grpc or ""), WAIT_S)
        process.send_signal(end)
        assert process.wait(WAIT_S) == (0 if end is signal.SIGTERM else -signal.SIGKILL)


@pytest.mark.parametrize("arguments", [[], ["{}"], ['{"http": 5}'], ["a", "b"]])
def test_settings_that_are_none(arguments: list[str]) -> None:
    command = [sys.executable, "-P", "-m", "berth.gateway", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith("berth: berth.gateway takes one argument")
    assert ran.stderr.count("\n") == 1
