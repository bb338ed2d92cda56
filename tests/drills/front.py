"""The front killed under load, and clients that hang up, send slowly, or are connected and say nothing."""

import contextlib
import resource
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import requests

from tests.support.scrape import Growth
from tests.support.servers import Server, running_server

from .clients import LOST, NOT_ACCEPTED, RIGHT, WRONG, Asker, Tally, asking
from .served.models import pack_sample
from .starts import is_ready
from .table import table, verdict

NUM_CLIENTS = 30
NUM_GONE = 300
NUM_SLOW = 300
NUM_IDLE = 10_000
OTHER_FILES = 600  # of HAProxy, and of the clients that ask meanwhile
CALM_S = 5.0
HEAD = b"POST /predictions/bert HTTP/1.1\r\nhost: berth\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() resets


def run(folder: Path) -> Iterator[str]:
    _take_all_files()
    with running_server([pack_sample(folder)]) as server:
        yield from kill_front(server)
        yield from hang_up(server)
        yield from with_others(server, "send slowly", NUM_SLOW, HEAD % 1000 + b"a boat")
        yield from with_others(server, "say nothing", min(NUM_IDLE, (_files() - OTHER_FILES) // 2), b"")


def kill_front(server: Server) -> Iterator[str]:
    tally = Tally()
    with asking(Asker(server), NUM_CLIENTS, tally):
        time.sleep(CALM_S)
        haproxy(server).kill()
        killed_s = time.monotonic()
        server.require(lambda: not is_ready(server), 10.0, "not ready")
        noticed_s = time.monotonic() - killed_s
        server.require(lambda: is_ready(server), 30.0, "ready again")
        again_s = time.monotonic() - killed_s
        time.sleep(CALM_S)
    ends = tally.ends
    row = (ends.total(), ends[RIGHT], ends[NOT_ACCEPTED], ends[LOST], ends[WRONG], f"{noticed_s:.1f}", f"{again_s:.1f}")
    yield "the front killed under load"
    yield from table(
        ("sent", "right", NOT_ACCEPTED, "lost", "wrong", "not ready after s", "ready again after s"), [row]
    )
    yield verdict(not ends[WRONG] and _answers(server), "none wrong, and requests are answered again")


def hang_up(server: Server) -> Iterator[str]:
    """While the server is busy with others: who waits in the front is not asked about, and java says nothing."""
    growth, log = Growth(server), len(server.log)
    texts = [b"boat number %d " % number * 40 for number in range(NUM_GONE)]
    with contextlib.ExitStack() as held:
        connections = [held.enter_context(_connected(server)) for _ in texts]
        for connection, text in zip(connections, texts, strict=True):
            connection.sendall(HEAD % len(text) + text)
        for connection in connections:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    server.require(lambda: _answers(server), 60.0, "the server answers")
    computed = int(growth.of("berth_requests_total"))
    said = [line for line in server.log[log:].splitlines() if "Exception" in line or line.startswith("\tat ")]
    yield f"{NUM_GONE} clients that hang up: {computed} requests computed, that of the check included"
    yield verdict(not said, f"no stack trace: {len(said)} lines")


def with_others(server: Server, what: str, number: int, first: bytes) -> Iterator[str]:
    """What others' requests get meanwhile, and how many connections TorchServe has then."""
    tally, before = Tally(), _num_java_connections(server)
    with contextlib.ExitStack() as held:
        for _ in range(number):
            held.enter_context(_connected(server)).sendall(first)
        with asking(Asker(server), NUM_CLIENTS, tally):
            time.sleep(CALM_S)
        reached = _num_java_connections(server)
    ends = tally.ends
    yield f"{number} clients that {what}: {ends[RIGHT]} of {ends.total()} others answered"
    yield f"connections at TorchServe: {reached}, and {before} before"
    is_kept = ends[RIGHT] == ends.total() and reached <= before + NUM_CLIENTS
    yield verdict(is_kept, f"clients that {what} keep nobody waiting")


def haproxy(server: Server) -> psutil.Process:
    (found,) = [child for child in psutil.Process(server.process.pid).children() if child.name() == "haproxy"]
    return found


def _answers(server: Server) -> bool:
    return requests.post(f"{server.inference_url}/predictions/bert", json={"inputs": "boat"}, timeout=60).ok


def _connected(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.ports["inference"]), timeout=60)


def _num_java_connections(server: Server) -> int:
    return len([each for each in server.java.net_connections("tcp") if each.status == psutil.CONN_ESTABLISHED])


def _take_all_files() -> None:
    """For this process and for HAProxy below it, which counts two for a connection."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (_files(), _files()))


def _files() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]
