"""A front with keys: who gets through, and what the rest are told, each in the form of the protocol that was asked."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import grpc
import psutil
import pytest

from berth.wait import wait_until
from tests.support.front.fronted import START_S, Answer, Fronted, ask

FORMS: dict[str, Callable[[Any], tuple[object, object]]] = {
    "/predictions/bert": lambda body: (body["type"], body["message"]),
    "/v1/models/bert:predict": lambda body: (body["type"], body["message"]),
    "/v1/embeddings": lambda body: (body["error"]["type"], body["error"]["message"]),
    "/v2/models/bert/infer": lambda body: (None, body["error"]),
    "/embed": lambda body: (body["error_type"] and None, body["error"]),
    "/v2/rerank": lambda body: (None, body["message"]),
}
CLOSED = (
    "/",
    "/ping/",
    "/Ping",
    "//ping",
    "/v2",
    "/v1/models",
    "/predictions/bert/ping",
    "/api-description",
    "/metrics",
)
SERVICES = (
    "org.pytorch.serve.grpc.inference.InferenceAPIsService/Predictions",
    "inference.GRPCInferenceService/ModelInfer",
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
)
AS_IN = pytest.mark.parametrize("path", FORMS)


def test_a_key_opens_and_goes_no_further(locked: Fronted) -> None:
    status, _, echo = locked.ask(key="open-sesame", headers={"x-api-key": "another", "x-other": "1"})
    assert status == 200
    assert echo["headers"]["x-other"] == "1"
    assert {"authorization", "x-api-key"} & set(echo["headers"]) == set()


@pytest.mark.parametrize("value", [None, "Bearer open-sesam", "Bearer ", "Basic YWRhOm9wZW4tc2VzYW1l", "open-sesame"])
def test_another_or_none_does_not(locked: Fronted, value: str | None) -> None:
    status, headers, body = locked.ask(headers={"authorization": value} if value else {})
    assert (status, headers["www-authenticate"], body["type"]) == (401, "Bearer", "Unauthorized")
    assert "send the header `authorization: Bearer KEY`" in body["message"]


@AS_IN
def test_unauthorized_in_each_form(locked: Fronted, path: str) -> None:
    status, _, body = locked.ask(path)
    kind, message = FORMS[path](body)
    assert (status, kind in {None, "Unauthorized"}) == (401, True)
    assert "no API key came" in str(message)


@AS_IN
def test_too_long_a_body_in_each_form(locked: Fronted, path: str) -> None:
    status, _, body = locked.ask(path, key="open-sesame", body=b" " * (2**20 + 1))
    assert status == 413
    assert "1048576" in str(FORMS[path](body)[1])


def statuses(locked: Fronted, key: str, number: int) -> list[int]:
    with closing(locked.connect()) as connection:
        return [ask(connection, key=key)[0] for _ in range(number)]


def test_a_key_over_its_rate_waits_and_no_other_does(locked: Fronted) -> None:
    assert wait_until(lambda: statuses(locked, "bobs-key", 1) == [200], START_S)
    began_s = time.monotonic()
    seen = statuses(locked, "bobs-key", 12)
    most = 4 + 4 * (time.monotonic() - began_s)  # three in a second, and one more where HAProxy's next second begins
    assert (set(seen) <= {200, 429}, seen.count(200) <= most) == (True, True), seen
    status, headers, body = refused(locked, "/v2/models/bert/infer")
    assert (status, headers["retry-after"]) == (429, "1")
    assert "as many requests in the last second as it may" in body["error"]
    assert statuses(locked, "open-sesame", 20) == [200] * 20
    assert wait_until(lambda: statuses(locked, "bobs-key", 1) == [200], START_S)  # what was refused does not count


def refused(locked: Fronted, path: str) -> Answer:
    """What bob is told once he has asked too often."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: locked.ask(path, key="bobs-key"), range(24)))
    return next(answer for answer in answers if answer[0] == 429)


@pytest.mark.parametrize("path", ["/ping", "/health", "/v2/health/live", "/v2/health/ready"])
def test_probes_need_no_key(locked: Fronted, path: str) -> None:
    assert locked.ask(path, method="GET")[0] != 401


@pytest.mark.parametrize(
    "path",
    ["/", "/ping/", "/Ping", "//ping", "/v2", "/v1/models", "/predictions/bert/ping", "/api-description", "/metrics"],
)
def test_nothing_else_goes_without(locked: Fronted, path: str) -> None:
    assert locked.ask(path, method="GET")[0] == 401


def grpc_status(locked: Fronted, method: str, key: str | None = None) -> tuple[grpc.StatusCode, str]:
    metadata = [("authorization", f"Bearer {key}")] if key else []
    with grpc.insecure_channel(f"127.0.0.1:{locked.grpc_port}") as channel:
        call = channel.unary_unary(method, request_serializer=bytes, response_deserializer=bytes)
        try:
            call(b"\0" * 200_000, metadata=metadata, timeout=10, wait_for_ready=True)
        except grpc.RpcError as error:
            return error.code(), error.details()
    return grpc.StatusCode.OK, ""


@pytest.mark.parametrize("service", SERVICES)
def test_grpc_asks_for_keys_too(locked: Fronted, service: str) -> None:
    code, details = grpc_status(locked, f"/{service}")
    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert "in gRPC the same as metadata" in details
    assert grpc_status(locked, f"/{service}", "open-sesame")[0] is not grpc.StatusCode.UNAUTHENTICATED


def test_grpc_over_its_rate(locked: Fronted) -> None:
    """Of sixteen calls at once."""
    with grpc.insecure_channel(f"127.0.0.1:{locked.grpc_port}") as channel:
        ask_live = channel.unary_unary("/inference.GRPCInferenceService/ServerLive")
        said = {"metadata": [("authorization", "Bearer bobs-key")], "timeout": START_S, "wait_for_ready": True}
        calls = [ask_live.future(b"", **said) for _ in range(16)]
        assert grpc.StatusCode.RESOURCE_EXHAUSTED in {call.code() for call in calls}


def test_no_key_is_in_a_command_or_a_file_of_the_front(locked: Fronted) -> None:
    processes = [psutil.Process(locked.front.haproxy.pid), psutil.Process(locked.front.gateway.pid)]
    folder = locked.front.runtime.parent
    shown = "".join(" ".join(process.cmdline()) + str(process.environ()) for process in processes)
    shown += "".join(path.read_text() for path in folder.iterdir() if path.is_file())
    assert "ada" in shown
    assert "open-sesame" not in shown
