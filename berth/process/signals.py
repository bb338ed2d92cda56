"""The signals that end `berth serve`, as flags that its loop reads.

Until java runs there is nothing to wind down, and a signal ends berth at once.
"""

import contextlib
import signal
import socket
import sys
from collections.abc import Iterator
from types import FrameType

from ..wait import is_readable


class StopSignals:
    """Remembers whether somebody asked berth to stop, and whether by pressing Ctrl-C twice."""

    def __init__(self, wakeup: socket.socket) -> None:
        self._wakeup = wakeup
        self._holding = False
        self._interrupts = 0
        self.requested = False

    @property
    def forced(self) -> bool:
        """Whether a second SIGINT came: no more patience."""
        return self._interrupts > 1

    def hold(self) -> None:
        """Note signals from now on instead of ending the process."""
        self._holding = True

    def note(self, number: int, _frame: FrameType | None) -> None:
        """Handle a stop signal."""
        self.requested = True
        if not self._holding:
            sys.exit(0)
        self._interrupts += number == signal.SIGINT

    def check(self, _value: object = None) -> None:
        """End the thread that calls it once a stop was asked for: the main thread waits for what others do."""
        if self.requested:
            sys.exit(0)

    def wait(self, timeout_s: float) -> None:
        """Sleep; any signal, and the end of a child, ends the sleep early."""
        if is_readable(self._wakeup, timeout_s):
            self._wakeup.recv(4096)


@contextlib.contextmanager
def stop_signals() -> Iterator[StopSignals]:
    """Send SIGTERM, SIGINT and SIGHUP to the StopSignals; the former handlers come back at the end."""
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    signals = StopSignals(reading)
    handlers = {number: signal.signal(number, signals.note) for number in (signal.SIGTERM, signal.SIGINT)}
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup keeps its meaning
        handlers[signal.SIGHUP] = signal.signal(signal.SIGHUP, signals.note)
    handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)  # only so that it wakes `wait`
    former_wakeup = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    try:
        yield signals
    finally:
        signal.set_wakeup_fd(former_wakeup)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        reading.close()
        writing.close()
