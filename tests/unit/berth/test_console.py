"""A line that nobody can read changes nothing of what is done next."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import pytest

from berth.console import pass_on, pass_on_bytes, say


def full() -> TextIO:
    return Path("/dev/full").open("w", buffering=1, encoding="utf-8")


def without_reader() -> TextIO:
    ours, theirs = os.pipe()
    os.close(ours)
    return os.fdopen(theirs, "w", buffering=1)


def closed() -> TextIO:
    file = full()
    file.close()
    return file


@pytest.fixture(params=[full, without_reader, closed, lambda: None], ids=["full", "no reader", "closed", "none"])
def unread(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stderr that takes nothing."""
    make: Callable[[], TextIO | None] = request.param
    monkeypatch.setattr(sys, "stderr", file := make())
    yield
    with contextlib.suppress(OSError):
        if file:
            file.close()


@pytest.mark.usefixtures("unread")
def test_nobody_reads() -> None:
    say("stopping")
    pass_on("2026-11-28T18:24:17,985 INFO  main ready\n")
    pass_on_bytes(b'{"id":"1"}\n')
    say("stopped")
