"""An open loop: requests leave when they are due whatever becomes of them, one to a connection, over kept ones.

One process and one thread; a request costs it some 60 microseconds, so that little of the server's cores is taken.
"""

import asyncio
import contextlib
import gc
import random
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .wire import format_head, format_request, parse_head

TICK_S = 0.001
LOST = 0
"""The status of a request whose connection ended without an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLoop:
    """What is asked, and how often."""

    url: str
    bodies: Sequence[bytes]
    """Sent in turn."""
    arrivals_s: Sequence[float]
    """When each request is due, in seconds after the start, in order."""
    headers: Mapping[str, str] = field(default_factory=dict)
    patience_s: float = 60.0
    """How long after the last request answers are waited for; what has none then is lost."""


@dataclass(slots=True, kw_only=True)
class Sent:
    """One request and what became of it."""

    due_s: float
    """When it was to be sent, by time.perf_counter, whenever it was."""
    answered_s: float = 0.0
    status: int = LOST
    head: bytes = b""

    @property
    def latency_s(self) -> float:
        """From when it was to be sent; without meaning where nothing was answered."""
        return self.answered_s - self.due_s


def poisson(rate: float, duration_s: float, seed: int) -> list[float]:
    """Arrivals of many clients who know nothing of each other, `rate` a second on average: Poisson's, seeded."""
    chooser, at_s, arrivals = random.Random(seed), 0.0, list[float]()
    while (at_s := at_s + chooser.expovariate(rate)) < duration_s:
        arrivals.append(at_s)
    return arrivals


def run_open_loop(loop: OpenLoop) -> list[Sent]:
    """Send all requests and wait for all answers.

    Python's garbage collector is off meanwhile: with some 100,000 requests kept it stops the generator for 0.2 s, and
    those would be in the times.
    """
    gc.disable()
    try:
        return asyncio.run(_run(loop))
    finally:
        gc.enable()


async def _run(loop: OpenLoop) -> list[Sent]:
    clients = Clients(loop)
    began_s, sent = time.perf_counter(), 0
    while sent < len(loop.arrivals_s):
        due = bisect_right(loop.arrivals_s, time.perf_counter() - began_s)
        for at_s in loop.arrivals_s[sent:due]:
            clients.send(Sent(due_s=began_s + at_s))
        sent = due
        await asyncio.sleep(TICK_S)
    return await clients.finish(loop.patience_s)


class Clients:
    """All connections: those that wait for an answer, and those that are free."""

    def __init__(self, loop: OpenLoop) -> None:
        address = urlsplit(loop.url)
        self._host, self._port = address.hostname or "", address.port or 80
        head = format_head(address.netloc, address.path, loop.headers)
        self._requests = deque(format_request(head, body) for body in loop.bodies)
        self._free: list[Connection] = []
        self._connections: list[Connection] = []
        self._all: list[Sent] = []
        self._tasks: set[asyncio.Task[object]] = set()
        self._num_open = 0
        self._is_over = asyncio.Event()

    def send(self, sent: Sent) -> None:
        """Send the next body, over a free connection or a new one."""
        self._all.append(sent)
        self._num_open += 1
        while self._free:
            connection = self._free.pop()
            if not connection.is_closed:
                connection.ask(sent, self._requests[0])
                break
        else:
            task = asyncio.ensure_future(self._connect(sent, self._requests[0]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._requests.rotate(-1)

    async def _connect(self, sent: Sent, request: bytes) -> None:
        running = asyncio.get_running_loop()
        try:
            _, connection = await running.create_connection(lambda: Connection(self), self._host, self._port)
        except OSError:
            self.note_end()
        else:
            self._connections.append(connection)
            connection.ask(sent, request)

    def free(self, connection: "Connection") -> None:
        """Take back a connection whose request was answered."""
        self._free.append(connection)

    def note_end(self) -> None:
        """Count a request that was answered or lost."""
        self._num_open -= 1
        if not self._num_open:
            self._is_over.set()

    async def finish(self, patience_s: float) -> list[Sent]:
        """Wait until every request has ended."""
        if self._num_open:
            self._is_over.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_over.wait(), patience_s)
        for connection in self._connections:
            connection.close()
        await asyncio.sleep(0)  # the loop closes their sockets
        return self._all


class Connection(asyncio.Protocol):
    """One kept connection, with one request at a time."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._sent: Sent | None = None
        self._data = b""
        self.is_closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def ask(self, sent: Sent, request: bytes) -> None:
        """Write a request; its answer is noted in `sent`."""
        self._sent, self._data = sent, b""
        self._transport.write(request)

    def close(self) -> None:
        """Close at once."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, end, body = self._data.partition(b"\r\n\r\n")
        if not end or self._sent is None:
            return
        status, length = parse_head(head)
        if body.endswith(b"0\r\n\r\n") if length is None else len(body) >= length:
            self._sent.status, self._sent.head, self._sent.answered_s = status, head, time.perf_counter()
            self._sent = None
            self._clients.free(self)
            self._clients.note_end()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_closed = True
        if self._sent is not None:
            self._sent = None
            self._clients.note_end()
