"""A server with keys, TLS and CORS: its own clients, what answers without a key, and what changes while it runs."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import psutil
import pytest
import requests

from berth.clients.grpc_client import GrpcClient
from berth.clients.rest_client import RestClient
from berth.errors import RequestFailed
from berth.wait import wait_until
from tests.support.equality.compare import largest_difference
from tests.support.servers import BERTH

from .conftest import KEY, ORIGIN, Locked, mount

TAKEN_UP_S = 60.0  # the launcher looks every 2 s
TOLERANCE = 1e-6  # a known text may be in the batch of one
BEARER = {"authorization": f"Bearer {KEY}"}
# What answers somebody without a key: the port, the path, and the status. All else is in test_lock.py of the front.
WITHOUT_A_KEY = (
    ("inference", "/ping", 200),
    ("inference", "/health", 200),
    ("inference", "/v2/health/live", 200),
    ("inference", "/v2/health/ready", 200),
    ("inference", "/", 401),
    ("inference", "/api-description", 401),
    ("inference", "/predictions/tiny", 401),
    ("inference", "/predictions/tiny/1.0/check", 401),
    ("inference", "/explanations/tiny", 401),
    ("inference", "/v1/models", 401),
    ("inference", "/v1/models/tiny", 401),
    ("inference", "/v2", 401),
    ("inference", "/v2/models/tiny", 401),
    ("inference", "/v2/models/tiny/ready", 401),
    ("inference", "/info", 401),
    ("inference", "/predict", 401),
    ("inference", "/models", 401),
    ("inference", "/models/tiny/invoke", 401),
    ("inference", "/invocations", 401),
    ("inference", "/metrics", 401),
    ("inference", "/nothing", 401),
    ("metrics", "/metrics", 200),
    ("health", "/ready", 200),
    ("management", "/models", 200),
)
"""The last three ports have no keys: metrics and probes tell nothing of requests, management is on loopback alone."""


@pytest.mark.parametrize(("port", "path", "status"), WITHOUT_A_KEY)
def test_what_answers_without_a_key(locked: Locked, port: str, path: str, status: int) -> None:
    url = locked.url if port == "inference" else f"http://127.0.0.1:{locked.server.ports[port]}"
    assert requests.get(url + path, verify=str(locked.certificate.certificate), timeout=10).status_code == status


def test_nothing_answers_without_tls(locked: Locked) -> None:
    with pytest.raises(requests.ConnectionError):
        requests.get(locked.url.replace("https", "http") + "/ping", timeout=10)


def test_berths_own_clients_take_the_key_and_the_certificate(locked: Locked) -> None:
    ca = str(locked.certificate.certificate)
    (prediction,) = RestClient(locked.url, api_key=KEY, ca_file=ca).predict(["hello"], model="tiny")
    address = f"https://127.0.0.1:{locked.server.grpc_port}"
    with GrpcClient(address, api_key=KEY, ca_file=ca) as client:
        assert largest_difference(client.predict("hello", model="tiny"), prediction) < TOLERANCE
    with pytest.raises(RequestFailed, match="401"):
        RestClient(locked.url, api_key="wrong", ca_file=ca).predict(["hello"], model="tiny")


def test_the_command_asks_with_the_variables(locked: Locked) -> None:
    asked = subprocess.run(
        [str(BERTH), "predict", "hello", "--json"],
        env={**os.environ, **locked.access},
        capture_output=True,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    assert "label" in json.loads(asked.stdout)


def test_the_log_says_where_and_with_what(locked: Locked) -> None:
    log = locked.server.log
    assert f"API keys are asked for: 2 of {locked.keys}" in log
    assert f"ready: tiny at {locked.url}" in log
    assert f'curl --insecure {locked.url}/predictions/tiny -H "authorization: Bearer $BERTH_API_KEY"' in log
    assert KEY not in log


def test_http2_is_spoken_with_tls(locked: Locked) -> None:
    command = ["curl", "--silent", "--http2", "--cacert", str(locked.certificate.certificate)]
    command += ["-o", os.devnull, "-w", "%{http_version} %{http_code}", "-H", f"authorization: Bearer {KEY}"]
    asked = subprocess.run([*command, f"{locked.url}/v1/models"], capture_output=True, text=True, check=False)
    assert asked.stdout == "2 200"


def test_a_page_of_the_listed_origin_may_ask(locked: Locked) -> None:
    ca = str(locked.certificate.certificate)
    page = {"origin": ORIGIN, "access-control-request-method": "POST"}
    assert requests.options(f"{locked.url}/predictions/tiny", headers=page, verify=ca, timeout=10).status_code == 204
    answer = requests.post(
        f"{locked.url}/predictions/tiny",
        headers={"origin": ORIGIN, **BEARER},
        json={"inputs": "a"},
        verify=ca,
        timeout=10,
    )
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, ORIGIN)


def test_no_process_but_the_launcher_knows_a_key(locked: Locked) -> None:
    launcher = psutil.Process(locked.server.process.pid)
    for process in launcher.children(recursive=True):
        assert KEY not in " ".join(process.cmdline()) + str(process.environ()), process


def grpc_code(locked: Locked, method: str, metadata: tuple[tuple[str, str], ...] = ()) -> grpc.StatusCode:
    credentials = grpc.ssl_channel_credentials(locked.certificate.certificate.read_bytes())
    with grpc.secure_channel(f"127.0.0.1:{locked.server.grpc_port}", credentials) as channel:
        call = channel.unary_unary(method, request_serializer=bytes, response_deserializer=bytes)
        try:
            call(b"", metadata=metadata, timeout=10)
        except grpc.RpcError as error:
            return error.code()
    return grpc.StatusCode.OK


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("/grpc.health.v1.Health/Check", grpc.StatusCode.OK),
        ("/inference.GRPCInferenceService/ServerLive", grpc.StatusCode.UNAUTHENTICATED),
        ("/inference.GRPCInferenceService/ModelInfer", grpc.StatusCode.UNAUTHENTICATED),
        ("/org.pytorch.serve.grpc.inference.InferenceAPIsService/Ping", grpc.StatusCode.UNAUTHENTICATED),
        ("/org.pytorch.serve.grpc.management.ManagementAPIsService/ListModels", grpc.StatusCode.UNAUTHENTICATED),
        ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", grpc.StatusCode.UNAUTHENTICATED),
    ],
)
def test_what_answers_grpc_without_a_key(locked: Locked, method: str, code: grpc.StatusCode) -> None:
    assert grpc_code(locked, method) is code


@contextmanager
def asking_on(locked: Locked, statuses: list[int]) -> Iterator[None]:
    """A client with the key that stays, without a pause."""
    stop = threading.Event()

    def ask() -> None:
        with requests.Session() as session:
            session.trust_env = False  # a CA of the environment would be taken instead
            session.verify, session.headers["authorization"] = str(locked.certificate.certificate), f"Bearer {KEY}"
            while not stop.is_set():
                statuses.append(session.post(f"{locked.url}/predictions/tiny", json={"inputs": "a"}).status_code)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def opens(locked: Locked, key: str) -> bool:
    answer = requests.get(
        f"{locked.url}/v1/models",
        headers={"authorization": f"Bearer {key}"},
        verify=str(locked.certificate.certificate),
        timeout=10,
    )
    return answer.status_code == 200


def test_a_mounted_secret_that_changes_is_taken_up(locked: Locked) -> None:
    statuses: list[int] = []
    with asking_on(locked, statuses):
        assert opens(locked, "bobs-first-key")
        mount(locked.keys.parent, "..second", f"ada {KEY}\nbob bobs-second-key\n")
        assert wait_until(lambda: opens(locked, "bobs-second-key"), TAKEN_UP_S)
        assert not opens(locked, "bobs-first-key")
    assert set(statuses) == {200}
    assert "berth: the API keys have changed, and the new ones are in force" in locked.server.log
