"""Clients that are gone in the middle of a request or an answer, and bytes that trickle in."""

import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event, Thread

from tests.support.servers import Server, running_server

from ..clients import RIGHT, Asker, Tally
from ..served.models import pack_sample
from ..table import table, verdict
from .counted import HEADER, asker_of, row, under_load

NUM_GONE, NUM_TRICKLING = 200, 100
TRICKLE_S = 25.0
CUT_S = 20.0  # the front waits 15 s for a request
BODY = b'{"inputs": ["a boat", "' + b"a river and " * 2000 + b'"]}'
HEAD = b"POST /predictions/bert HTTP/1.1\r\nhost: b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() resets

Leave = Callable[[socket.socket], None]


def run(folder: Path) -> Iterator[str]:
    gone: dict[str, Leave] = {
        "in the middle of the headers": lambda each: each.sendall(HEAD[:40]),
        "in the middle of the body": lambda each: each.sendall(HEAD % len(BODY) + BODY[:1000]),
        "while they wait": lambda each: each.sendall(HEAD % len(BODY) + BODY),
        "in the middle of the answer": read_a_little,
    }
    with running_server([pack_sample(folder)]) as server:
        asker, tallies = asker_of(server), {}
        for what, leave in gone.items():
            for how, linger in (("closed", None), ("reset", RESET)):
                tallies[f"{NUM_GONE} gone {what}, {how}"] = hang_up(server, asker, leave, linger)
        trickled, cut_s = trickle(server, asker)
    tallies[f"{NUM_TRICKLING} send a byte a second"] = trickled
    yield from table(HEADER, [row(what, tally) for what, tally in tallies.items()])
    yield verdict(
        all(t.ends[RIGHT] == t.ends.total() for t in tallies.values()), "all others are answered, and rightly"
    )
    yield verdict(cut_s <= CUT_S, f"who sends a byte a second is cut off after {cut_s:.1f} s at the most")


def hang_up(server: Server, asker: Asker, leave: Leave, linger: bytes | None) -> Tally:
    """What others' requests get meanwhile."""
    with under_load(asker) as tally:
        for _ in range(NUM_GONE):
            with connected(server) as connection:
                leave(connection)
                if linger:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    return tally


def read_a_little(connection: socket.socket) -> None:
    body = b'{"inputs": ["a boat", "a river"]}'
    connection.sendall(HEAD % len(body) + body)
    connection.recv(100)


def trickle(server: Server, asker: Asker) -> tuple[Tally, float]:
    """What others' requests get, and after how many seconds the last that trickled was cut off."""
    lasted_s: list[float] = []
    enough = Event()
    with ExitStack() as held, under_load(asker) as tally:
        connections = [held.enter_context(connected(server)) for _ in range(NUM_TRICKLING)]
        threads = [Thread(target=send_slowly, args=(each, enough, lasted_s)) for each in connections]
        for thread in threads:
            thread.start()
        time.sleep(TRICKLE_S)
        enough.set()
        for thread in threads:
            thread.join()
    return tally, max(lasted_s)


def send_slowly(connection: socket.socket, enough: Event, lasted_s: list[float]) -> None:
    """A byte a second, until the server answers or hangs up."""
    began_s = time.monotonic()
    connection.settimeout(1.0)
    try:
        connection.sendall(HEAD % len(BODY))
        for byte in BODY:
            if enough.is_set():
                break
            connection.sendall(bytes([byte]))
            with suppress(TimeoutError):
                connection.recv(1000)  # a 408, or the end
                break
    except OSError:
        pass
    lasted_s.append(time.monotonic() - began_s)


def connected(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.ports["inference"]), timeout=60)
