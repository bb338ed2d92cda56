"""An order's end is told whatever goes wrong, and the next one is taken."""

import errno
import fcntl
import select
import socket
import subprocess
import threading
from pathlib import Path

import msgspec
import pytest

from berth.errors import Refused
from berth.rollout.messages import Action, Event, Order
from berth.serve.rollout import orders as module
from berth.serve.rollout.orders import CalledOff, Orders

LINE = msgspec.json.encode(Order(action=Action.ROLLBACK))


def nobody() -> None:
    """Nobody calls it off."""


def raising(error: Exception) -> Orders:
    def carry_out(*_: object) -> None:
        raise error

    return Orders(carry_out)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/new.mar"), "/new.mar: Permission denied"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (TimeoutError("timed out"), "timed out"),
        (subprocess.TimeoutExpired(["haproxy", "-c"], 20.0), "haproxy did not end within 20 s"),
        (KeyError("name"), "an error of berth's own, which is worth a report: KeyError('name')"),
    ],
)
def test_every_failure_is_told_logged_and_followed_by_the_next_order(
    error: Exception, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    orders, events = raising(error), list[Event]()
    for _ in range(2):
        orders.carry_out(LINE, events.append, nobody)
    assert [(event.step, event.exit_code) for event in events] == [("failed", 1)] * 2
    assert words in events[0].text
    assert f"rollout: failed: {events[0].text}" in capsys.readouterr().err


def test_a_second_order_is_refused() -> None:
    events = list[Event]()
    orders = Orders(lambda *_: orders.carry_out(LINE, events.append, nobody))
    orders.carry_out(LINE, events.append, nobody)
    assert [(event.step, event.exit_code) for event in events] == [("refused", Refused.exit_code)]


def test_a_connection_that_is_reset_calls_it_off(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        connection, _ = server.accept()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close() resets
        client.close()
        with connection:
            select.select([connection], [], [], 10)
            with pytest.raises(CalledOff):
                raising(ValueError())._check(connection)


def test_it_is_seen_in_a_descriptor_beyond_those_of_select() -> None:
    """A launcher with many clients has such numbers."""
    client, connection = socket.socketpair()
    with client, connection, socket.socket(fileno=fcntl.fcntl(connection, fcntl.F_DUPFD_CLOEXEC, 1024)) as far:
        raising(ValueError())._check(far)
        client.shutdown(socket.SHUT_WR)
        with pytest.raises(CalledOff):
            raising(ValueError())._check(far)


def test_orders_are_taken_after_descriptors_had_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = socket.socketpair()
    answered = threading.Event()

    class Listener:
        """Fails once, gives one connection, and is closed."""

        results = iter([OSError(errno.EMFILE, "Too many open files"), (there, "")])
        is_open = True

        def fileno(self) -> int:
            return 3 if self.is_open else -1

        def accept(self) -> object:
            if isinstance(result := next(self.results, None), tuple):
                return result
            self.is_open = result is not None
            assert result is None or isinstance(result, OSError)
            raise result or OSError(errno.EBADF, "closed")

    monkeypatch.setattr(module, "AGAIN_S", 0.0)
    orders = Orders(lambda *_: answered.set())
    with here, there:
        here.sendall(LINE + b"\n")
        module._accept(Listener(), orders)  # type: ignore[arg-type]
        assert answered.wait(10)


def test_a_stop_does_not_wait_for_an_order_once_it_is_forced() -> None:
    orders = raising(ValueError())
    with orders._busy:  # an order that hears nothing
        orders.stop(lambda: True)
