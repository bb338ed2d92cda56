"""Lines go on whole, whoever writes at the same time, and an orphan keeps nobody."""

import fcntl
import os
import struct
import termios
import threading
from typing import TextIO

import pytest

from berth.process import line_pipe as module
from berth.process.line_pipe import line_pipe
from berth.wait import wait_until


def write(output: TextIO, text: bytes) -> None:
    """Write, and wait until the thread has read it."""
    os.write(output.fileno(), text)
    unread = struct.pack("i", 0)
    assert wait_until(lambda: fcntl.ioctl(output, termios.FIONREAD, unread) == unread, 20.0)


def test_a_line_that_comes_in_parts_goes_on_whole() -> None:
    lines: list[bytes] = []
    with line_pipe("lines", lines.append) as output:
        for part in (b'{"id"', b':"1"}\n{"id":', b'"2"}\nlast'):
            write(output, part)
    assert lines == [b'{"id":"1"}\n', b'{"id":"2"}\n', b"last"]


def test_an_orphan_that_holds_the_pipe_open_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LAST_LINES_S", 0.0)
    lines: list[bytes] = []
    with line_pipe("orphan", lines.append) as output:
        orphan = os.dup(output.fileno())
    os.write(orphan, b"late\n")
    os.close(orphan)
    assert wait_until(lambda: lines == [b"late\n"], 20.0)


def test_where_no_thread_is_left_no_descriptor_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)
    made = os.pipe()
    monkeypatch.setattr(os, "pipe", lambda: made)
    with pytest.raises(BlockingIOError, match="can't start new thread"), line_pipe("lines", print):
        pass
    for descriptor in made:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)
