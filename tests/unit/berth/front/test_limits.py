"""What the front holds off from TorchServe: long headers, slow and idle clients, other methods."""

import contextlib
import json
import resource
import socket
import time
from collections.abc import Iterator

import pytest

from tests.support.front.fronted import Fronted

KEY = "authorization: Bearer open-sesame"
IDLE = 2_000  # a short form of 10,000: a test's process may have that many files


def begin(locked: Fronted, *lines: str, body: bytes = b"") -> socket.socket:
    """Send the head of a request, and a part of its body."""
    connection = locked.open_socket()
    connection.sendall("\r\n".join(("POST /predictions/bert HTTP/1.1", "host: bert", *lines, "", "")).encode() + body)
    return connection


def read_answer(connection: socket.socket) -> tuple[int, dict[str, object]]:
    with contextlib.closing(connection), connection.makefile("rb") as answer:
        head, _, body = answer.read().partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many open files as the system grants."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_headers_that_are_too_long(locked: Fronted) -> None:
    status, _, body = locked.ask(key="open-sesame", headers={"x-long": "x" * 20_000})
    assert (status, body["message"]) == (
        431,
        "the request's headers are longer than 16 KiB: send fewer or shorter ones",
    )
    assert locked.ask(key="open-sesame", headers={"x-long": "x" * 15_000})[0] == 200


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "TRACE"])
def test_other_methods(locked: Fronted, method: str) -> None:
    status, headers, body = locked.ask(method=method, key="open-sesame")
    assert (status, headers["allow"], body["type"]) == (405, "GET, HEAD, POST, PUT, OPTIONS", "MethodNotAllowed")


@pytest.mark.parametrize("path", ["/models", "/models/bert", "/models/bert/1.0"])
def test_models_are_managed_elsewhere(locked: Fronted, path: str) -> None:
    status, _, body = locked.ask(path, method="GET", key="open-sesame")
    assert status == 404
    assert "management_address of config.properties" in body["message"]


def test_a_slow_body_does_not_reach_the_server_before_it_is_whole(locked: Fronted) -> None:
    slow = [begin(locked, KEY, "content-length: 4000", "connection: close", body=b" " * 100) for _ in range(100)]
    assert locked.ask(key="open-sesame")[0] == 200  # with 64 places at the server
    for connection in slow:
        connection.sendall(b" " * 3900)
    assert {read_answer(connection)[0] for connection in slow} == {200}


def test_a_body_that_never_comes_is_told_so(locked: Fronted) -> None:
    started_s = time.monotonic()
    status, body = read_answer(begin(locked, KEY, "content-length: 4000", body=b" " * 100))
    assert (status, body["type"]) == (408, "RequestTimeout")
    assert time.monotonic() - started_s < 25


def test_a_long_body_in_chunks(locked: Fronted) -> None:
    connection = begin(locked, KEY, "transfer-encoding: chunked", "connection: close")
    connection.sendall(b"".join(b"4000\r\n" + b" " * 0x4000 + b"\r\n" for _ in range(4)) + b"0\r\n\r\n")
    assert read_answer(connection)[0] == 200


@pytest.mark.usefixtures("many_files")
def test_idle_connections_cost_nobody_else_anything(locked: Fronted) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(IDLE):
            held.enter_context(contextlib.closing(locked.open_socket()))
        assert [locked.ask(key="open-sesame")[0] for _ in range(20)] == [200] * 20
