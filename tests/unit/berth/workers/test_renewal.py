"""A worker that is too large: another fork takes its place, and java, here the test, notices nothing."""

import os
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest

from berth.machine.forking import WORKER_PYTHON
from berth.wait import wait_until
from berth.workers import renewal
from berth.workers.fork_protocol import ADDRESS_VARIABLE, Work
from berth.workers.renewal import LIMITS_VARIABLE, TRIM_BYTES, Renewal, private_bytes

LOOKS_ALWAYS = pytest.mark.parametrize(
    "server", ["from berth.workers import renewal; renewal.LOOK_S = 0"], indirect=True
)
PATIENCE_S = 30.0
MIB = 2**20
GROWN_MIB = 64  # by each request
# What TorchServe's function does, in few lines: a command, then a body of so many bytes.
PROTOCOL = """
def retrieve_msg(connection):
    import socket, struct
    head = connection.recv(5, socket.MSG_WAITALL)
    command, length = struct.unpack("!ci", head)
    body = connection.recv(length, socket.MSG_WAITALL) if length else b""
    return command, {"modelName": body, "gpu": 3} if command == b"L" else body
"""
SCRIPT = f"""
import os, socket, sys
from ts.protocol.otf_message_handler import retrieve_msg
path = sys.argv[1]
if os.path.exists(path):
    os.remove(path)
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen()
connection, _ = listener.accept()
held = []
while True:
    command, message = retrieve_msg(connection)
    if command == b"L":
        loaded = message
        connection.sendall(b"loaded")
    else:
        held.append(b"x" * ({GROWN_MIB} << 20))
        connection.sendall(b"%d %s %d %s" % (os.getpid(), loaded["modelName"], loaded["gpu"], message))
"""


@pytest.fixture
def worker(server: subprocess.Popen[str], address: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """As TorchServe starts it, with a stand-in for TorchServe's package; it may hold two requests' bytes."""
    protocol = tmp_path / "ts" / "protocol"
    protocol.mkdir(parents=True)
    for package in (protocol.parent, protocol):
        (package / "__init__.py").touch()
    (protocol / "otf_message_handler.py").write_text(PROTOCOL)
    script = tmp_path / "model_service_worker.py"
    script.write_text(SCRIPT)
    limit = f'{{"bert": {int(2.5 * GROWN_MIB) * MIB}}}'
    variables = {ADDRESS_VARIABLE: str(address), LIMITS_VARIABLE: limit, "PYTHONPATH": str(tmp_path)}
    command = [str(WORKER_PYTHON), str(script), str(address.with_name("worker"))]
    with subprocess.Popen(command, env={**os.environ, **variables}, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def connected(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as java:
        java.settimeout(PATIENCE_S)
        assert wait_until(partial(connects, java, path), PATIENCE_S)
        yield java


def connects(java: socket.socket, path: Path) -> bool:
    try:
        java.connect(str(path))
    except OSError:
        return False
    return True


def ask(java: socket.socket, command: bytes, body: bytes) -> bytes:
    java.sendall(struct.pack("!ci", command, len(body)) + body)
    return java.recv(100)


@LOOKS_ALWAYS
def test_a_worker_that_grows_is_renewed_between_two_requests(
    worker: subprocess.Popen[bytes], server: subprocess.Popen[str], address: Path
) -> None:
    pids: list[int] = []
    with connected(address.with_name("worker")) as java:
        assert ask(java, b"L", b"bert") == b"loaded"
        while len(set(pids)) < 3:
            pid, *rest = ask(java, b"I", b"%d" % len(pids)).split()
            assert rest == [b"bert", b"3", b"%d" % len(pids)]  # what it had loaded, and the request's own answer
            pids.append(int(pid))
        assert [child.pid for child in psutil.Process(server.pid).children()] == [pids[-1]]
    assert worker.poll() is None


@LOOKS_ALWAYS
def test_a_python_that_is_killed_takes_along_what_took_its_forks_place(
    worker: subprocess.Popen[bytes], address: Path
) -> None:
    with connected(address.with_name("worker")) as java:
        ask(java, b"L", b"bert")
        pids: list[int] = []
        while len(set(pids)) < 2:
            pids.append(int(ask(java, b"I", b"").split()[0]))
        worker.kill()
        assert wait_until(lambda: not psutil.pid_exists(pids[-1]), PATIENCE_S)


@pytest.mark.parametrize("limits", [{"bert": 1}, {"other": 1}, {"bert": 2**40}])
def test_a_worker_that_is_small_or_cannot_be_renewed_goes_on(limits: dict[str, int], tmp_path: Path) -> None:
    """Nobody listens at the fork server's address."""
    work = Work([], "", {ADDRESS_VARIABLE: str(tmp_path / "nobody")}, (0, 1, 2))
    messages: list[renewal.Message] = [(b"L", {"modelName": b"bert"}), (b"I", b"one"), (b"I", b"two")]
    left = iter(messages)
    read = Renewal(lambda _: next(left), limits, work)
    with socket.socket(socket.AF_UNIX) as connection:
        assert [read(connection) for _ in messages] == messages


def test_a_renewed_worker_that_is_too_large_without_a_request_answers_all_the_same(tmp_path: Path) -> None:
    """It would be no smaller if it were renewed again; the fork server would grant it."""
    with socket.socket(socket.AF_UNIX) as fork_server, socket.socket(socket.AF_UNIX) as connection:
        fork_server.bind(str(tmp_path / "forks"))
        fork_server.listen()
        fork_server.settimeout(0)
        work = Work([], "", {ADDRESS_VARIABLE: str(tmp_path / "forks")}, (0, 1, 2), {"modelName": "bert"})
        read = Renewal(lambda _: (b"I", b"one"), {"bert": 1}, work)
        assert [read(connection) for _ in range(2)] == [(b"L", {"modelName": b"bert"}), (b"I", b"one")]
        with pytest.raises(BlockingIOError):
            fork_server.accept()


def test_what_is_counted_grows_with_what_is_written() -> None:
    before = private_bytes()
    held = b"x" * (GROWN_MIB * MIB)
    assert private_bytes() - before >= len(held) * 0.9


def test_what_is_free_between_pieces_in_use_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewal, "LOOK_S", 0.0)
    messages: list[renewal.Message] = [(b"L", {"modelName": b"bert"}), *[(b"I", b"")] * 2]
    step = Renewal(lambda _: messages.pop(0), {"bert": 2**60}, Work([], "", {}, (0, 1, 2)))
    with socket.socket() as connection:
        step(connection)
        step(connection)
        pieces = [b"x" * 100_000 for _ in range(4 * TRIM_BYTES // 100_000)]  # each smaller than malloc maps alone
        del pieces[::2]
        full = private_bytes()
        step(connection)
    assert full - private_bytes() >= TRIM_BYTES
    assert pieces
