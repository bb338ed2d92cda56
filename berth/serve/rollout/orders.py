"""Takes orders at a socket that only this user can open, one at a time."""

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from ...console import say
from ...errors import BerthError, NoMemory, Refused, ServerUnreachable
from ...process.threads import start_thread
from ...rollout.messages import MAX_ORDER_BYTES, Event, Order, read_order
from ...wait import is_readable, wait_until

SOCKET = "orders.sock"
ONLY_US = 0o600
REFUSED, FAILED = "refused", "failed"
BUSY = "another change of what is served is going on; wait until it is done"
READ_S = 10.0
END_S = 20.0  # for an order that is called off because the launcher ends
TRANSIENT = "transient"
PASSING = (OSError, subprocess.SubprocessError, NoMemory, ServerUnreachable)
"""A full disk, descriptors that ran out, a machine that is too busy, memory that others hold."""
AGAIN_S = 1.0  # after a connection that could not be taken: descriptors or threads ran out

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
        """Carry out an order; its last event has an exit code, whatever went wrong."""
        if not self._busy.acquire(blocking=False):
            emit(Event(step=REFUSED, text=BUSY, exit_code=Refused.exit_code))
            return
        try:
            self._carry_out(read_order(line), _logged(emit), check)
        except BerthError as error:
            _logged(emit)(_failed(error, error.exit_code))
        except Exception as error:  # noqa: BLE001 - whoever gave the order is told, and the next one is taken
            _logged(emit)(_failed(error, BerthError.exit_code))
        finally:
            self._busy.release()

    def check_stopping(self) -> None:
        """Stopping once the launcher ends."""
        if self._stopping.is_set():
            raise Stopping("the launcher ends")

    def stop(self, is_forced: Callable[[], bool]) -> None:
        """Call off what is carried out, and wait until it has noticed, or somebody has no more patience."""
        self._stopping.set()
        # Never released: nothing is begun any more.
        wait_until(lambda: self._busy.acquire(blocking=False) or is_forced(), END_S)

    def _check(self, connection: socket.socket) -> None:
        self.check_stopping()
        if _has_hung_up(connection):
            raise CalledOff("it was called off")


@contextlib.contextmanager
def taking_orders(orders: Orders, path: Path, is_forced: Callable[[], bool]) -> Iterator[None]:
    """Listen at `path` until the end of the block; what goes on then is called off, and waited for unless forced."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        path.chmod(ONLY_US)  # the folder is ours alone already
        listener.listen()
        start_thread("orders", _accept, listener, orders)
        try:
            yield
        finally:
            orders.stop(is_forced)


def _accept(listener: socket.socket, orders: Orders) -> None:
    """Take connections until the listener is closed."""
    while listener.fileno() >= 0:
        try:
            connection, _ = listener.accept()
            start_thread("order", orders.answer, connection)
        except OSError as error:
            if listener.fileno() >= 0:
                say(f"an order could not be taken: {describe_error(error)}")
                time.sleep(AGAIN_S)


def _failed(error: Exception, exit_code: int) -> Event:
    """The last event; its facts say whether the same order may succeed another time, though nobody changes it."""
    facts = {TRANSIENT: isinstance(error, PASSING)}
    return Event(step=FAILED, text=describe_error(error), facts=facts, exit_code=exit_code)


def describe_error(error: Exception) -> str:
    """What went wrong, in words for people: an OSError by what the system says, and of which file."""
    match error:
        case BerthError():
            return str(error)
        case OSError(strerror=str(reason), filename=file):
            return f"{file}: {reason}" if file else reason
        case OSError():
            return str(error)
        case subprocess.TimeoutExpired():
            return f"{error.cmd[0]} did not end within {error.timeout:g} s: the machine is too busy; try again"
    return f"an error of berth's own, which is worth a report: {error!r}"


def _has_hung_up(connection: socket.socket) -> bool:
    try:
        return is_readable(connection) and not connection.recv(1)
    except OSError:  # reset
        return True


def _send(connection: socket.socket, event: Event) -> None:
    with contextlib.suppress(OSError):  # whoever gave the order has gone; the log has it
        connection.sendall(msgspec.json.encode(event) + b"\n")


def _logged(emit: Emit) -> Emit:
    def both(event: Event) -> None:
        say(f"rollout: {event.step}: {event.text}")
        emit(event)

    return both
