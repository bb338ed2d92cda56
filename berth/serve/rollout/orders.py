"""Takes orders at a socket that only this user can open, one at a time."""

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from ...console import say
from ...errors import BerthError
from ...rollout.messages import MAX_ORDER_BYTES, Event, Order, read_order

SOCKET = "orders.sock"
ONLY_US = 0o600
REFUSED = "refused"
BUSY = "another change of what is served is going on; wait until it is done"
READ_S = 10.0
END_S = 20.0  # for an order that is called off because the launcher ends

Emit = Callable[[Event], None]
Check = Callable[[], None]


class CalledOff(BerthError):
    """Whoever gave the order has hung up."""


class Stopping(BerthError):
    """The launcher ends; nothing is put back, and all that runs is drained."""


class Orders:
    """Carries out one order after the other; a second one is refused meanwhile."""

    def __init__(self, carry_out: Callable[[Order, Emit, Check], None]) -> None:
        """`carry_out` reports through the first function, and calls the second one again and again: it may raise."""
        self._carry_out = carry_out
        self._busy = threading.Lock()
        self._stopping = threading.Event()

    def answer(self, connection: socket.socket) -> None:
        """Read one order from a connection and carry it out, event by event."""
        with connection, contextlib.suppress(OSError):
            connection.settimeout(READ_S)
            with connection.makefile("rb") as lines:
                line = lines.readline(MAX_ORDER_BYTES)
            connection.settimeout(None)
            self.carry_out(line, lambda event: _send(connection, event), lambda: self._check(connection))

    def carry_out(self, line: bytes, emit: Emit, check: Check) -> None:
        """Carry out an order; its last event has an exit code."""
        if not self._busy.acquire(blocking=False):
            emit(Event(step=REFUSED, text=BUSY, exit_code=BerthError.exit_code))
            return
        try:
            self._carry_out(read_order(line), _logged(emit), check)
        except BerthError as error:
            _logged(emit)(Event(step="failed", text=str(error), exit_code=error.exit_code))
        finally:
            self._busy.release()

    def check_stopping(self) -> None:
        """Stopping once the launcher ends."""
        if self._stopping.is_set():
            raise Stopping("the launcher ends")

    def stop(self) -> None:
        """Call off what is carried out, and wait until it has noticed."""
        self._stopping.set()
        self._busy.acquire(timeout=END_S)  # never released: nothing is begun any more

    def _check(self, connection: socket.socket) -> None:
        self.check_stopping()
        if select.select([connection], [], [], 0)[0] and not connection.recv(1):
            raise CalledOff("it was called off")


@contextlib.contextmanager
def taking_orders(orders: Orders, path: Path) -> Iterator[None]:
    """Listen at `path` until the end of the block; what goes on then is called off."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        path.chmod(ONLY_US)  # the folder is ours alone already
        listener.listen()
        threading.Thread(target=_accept, args=[listener, orders], name="orders", daemon=True).start()
        try:
            yield
        finally:
            orders.stop()


def _accept(listener: socket.socket, orders: Orders) -> None:
    with contextlib.suppress(OSError):  # closed
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=orders.answer, args=[connection], name="order", daemon=True).start()


def _send(connection: socket.socket, event: Event) -> None:
    with contextlib.suppress(OSError):  # whoever gave the order has gone; the log has it
        connection.sendall(msgspec.json.encode(event) + b"\n")


def _logged(emit: Emit) -> Emit:
    def both(event: Event) -> None:
        say(f"rollout: {event.step}: {event.text}")
        emit(event)

    return both
