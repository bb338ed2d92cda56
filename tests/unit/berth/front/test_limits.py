"""What the front holds off from TorchServe: long headers, slow and idle clients, other methods."""

import contextlib
import json
import re
import resource
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from berth.front.limits import BODY_S
from berth.front.runtime import ask as ask_runtime
from tests.support.front.fronted import Fronted, ask
from tests.support.front.haproxy import KEYS_OF_ERRORS

KEY = "authorization: Bearer open-sesame"
LOAD_BALANCER_S = 600  # how long Google's keeps a connection to send the next request on
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
        "the request's headers are longer than 7 KiB: send fewer or shorter ones",
    )
    assert locked.ask(key="open-sesame", headers={"x-long": "x" * 6_500})[0] == 200


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


def test_a_long_body_that_trickles_keeps_no_place_at_the_server(locked: Fronted) -> None:
    slow = [begin(locked, KEY, "content-length: 300000", "connection: close", body=b" " * 100_000) for _ in range(100)]
    assert locked.ask(key="open-sesame")[0] == 200  # with 64 places at the server
    for connection in slow:
        connection.sendall(b" " * 200_000)
    assert {read_answer(connection)[0] for connection in slow} == {200}


@pytest.mark.parametrize(("key", "status"), [("open-sesame", 413), ("wrong", 401)])
def test_a_client_of_http2_reads_the_refusal(locked: Fronted, tmp_path: Path, key: str, status: int) -> None:
    (tmp_path / "body").write_bytes(b" " * 3_000_000)
    command = ["curl", "--silent", "--show-error", "--http2-prior-knowledge", "--data-binary", f"@{tmp_path / 'body'}"]
    command += ["-H", f"authorization: Bearer {key}", f"{locked.inference.url}/predictions/bert"]
    for _ in range(5):
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert json.loads(asked.stdout)["code"] == status, asked.stderr


def test_a_body_that_never_comes_is_told_so(locked: Fronted) -> None:
    connection = begin(locked, KEY, "content-length: 4000", body=b" " * 100)
    connection.settimeout(3 * BODY_S)  # sooner than HAProxy's own time-out of a client
    status, body = read_answer(connection)
    assert (status, body["type"]) == (408, "RequestTimeout")


@pytest.mark.parametrize("key", ["open-sesame", "wrong"])
def test_what_is_refused_is_heard_out_and_the_connection_is_kept(locked: Fronted, key: str) -> None:
    with contextlib.closing(locked.connect()) as connection:
        status, _, body = ask(connection, key=key, body=b" " * 3_000_000)
        assert (status, body["code"]) == ((413, 413) if key == "open-sesame" else (401, 401))
        assert ask(connection, key="open-sesame")[0] == 200


@pytest.mark.parametrize("method", ["DELETE", "BREW"])
def test_another_method_is_heard_out(locked: Fronted, method: str) -> None:
    with contextlib.closing(locked.connect()) as connection:
        for _ in range(5):
            assert ask(connection, method=method, key="open-sesame", body=b" " * 1_000_000)[0] == 405
        assert ask(connection, key="open-sesame")[0] == 200


@pytest.mark.parametrize(("method", "status"), [("POST", 200), ("GET", 200), ("DELETE", 405)])
def test_a_body_in_pieces_is_heard_out_whatever_the_method(locked: Fronted, method: str, status: int) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"{"
        time.sleep(0.2)  # HAProxy hangs up on whom it has answered now
        yield b"}"

    with contextlib.closing(locked.connect()) as connection:
        for key, said in (("wrong", 401), ("open-sesame", status)):
            assert ask(connection, method=method, key=key, body=pieces())[0] == said


def test_who_asks_first_is_told_at_once(locked: Fronted) -> None:
    connection = begin(locked, KEY, "content-length: 3000000", "expect: 100-continue")
    connection.settimeout(BODY_S - 1)  # before the front is tired of waiting for the body
    status, body = read_answer(connection)
    assert (status, body["type"]) == (413, "RequestTooLarge")


def test_a_client_cannot_have_itself_refused(locked: Fronted) -> None:
    assert locked.ask("/v1/models", method="GET", key="open-sesame", headers={"x-refusal": "key"})[0] == 200


@pytest.mark.parametrize(("num_chunks", "status"), [(4, 200), (64, 200), (65, 413), (1000, 413)])
def test_a_body_in_chunks_is_measured(locked: Fronted, num_chunks: int, status: int) -> None:
    chunks = (b" " * 0x4000 for _ in range(num_chunks))
    with contextlib.closing(locked.connect()) as connection:
        connection.request(
            "POST",
            "/predictions/bert",
            body=chunks,
            headers={"authorization": "Bearer open-sesame", "x-timeout-ms": "9000", "content-type": "text/plain"},
            encode_chunked=True,
        )
        answer = connection.getresponse()
        body = json.loads(answer.read())
    assert answer.status == status
    if status == 200:
        assert (body["length"], body["headers"]["content-type"]) == (num_chunks * 0x4000, "text/plain")
    else:
        assert (body["code"], body["type"]) == (413, "RequestTooLarge")


@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS"])
def test_a_long_body_is_passed_on_as_it_was(locked: Fronted, method: str) -> None:
    said = {"content-encoding": "gzip", "content-type": "text/plain", "x-timeout-ms": "9000"}
    status, _, body = locked.ask(method=method, key="open-sesame", body=b" " * 200_000, headers=said)
    assert (status, body["length"]) == (200, 200_000)
    assert {name: body["headers"][name] for name in ("content-encoding", "content-type")} == {
        "content-encoding": "gzip",
        "content-type": "text/plain",
    }


@pytest.mark.parametrize(("path", "keys"), KEYS_OF_ERRORS.items())
def test_too_long_a_body_is_refused_in_one_form_in_chunks_or_not(locked: Fronted, path: str, keys: set[str]) -> None:
    body = b" " * 2_000_000
    status, _, at_once = locked.ask(path, key="open-sesame", body=body)
    in_chunks, _, measured = locked.ask(path, key="open-sesame", body=iter([body]))
    assert (status, set(at_once), in_chunks, set(measured)) == (413, keys, 413, keys)


@pytest.mark.usefixtures("many_files")
def test_idle_connections_cost_nobody_else_anything(locked: Fronted) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(IDLE):
            held.enter_context(contextlib.closing(locked.open_socket()))
        assert [locked.ask(key="open-sesame")[0] for _ in range(20)] == [200] * 20


def test_a_connection_that_idles_is_closed_by_its_client_first(locked: Fronted) -> None:
    with contextlib.closing(locked.connect()) as kept:
        assert ask(kept, key="open-sesame")[0] == 200
        port = kept.sock.getsockname()[1]
        shown = ask_runtime(locked.front.runtime, "show fd")
    expires = re.search(rf"rport={port} .*\.exp=(\d+)m(\d+)s", shown)
    assert expires, shown
    assert int(expires[1]) * 60 + int(expires[2]) > LOAD_BALANCER_S
