"""Where the system starts no more processes, that is said: of the process, not of the archive or the disk."""

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from berth.convert.child import run_isolated
from berth.errors import BerthError
from berth.pack.proof import ask_archive, started_proof


def _prove(folder: Path) -> None:
    with started_proof(folder):
        raise AssertionError("it was started")


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (_prove, "the process that proves the archive"),
        (lambda folder: ask_archive(folder, ["a"], {}), "the process that asks the archive"),
        (lambda folder: run_isolated("pickles", {}, folder, 0), "the process that converts the weights"),
    ],
)
@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOMEM, errno.EAGAIN])
def test_a_process_that_cannot_be_started_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: Callable[[Path], object], what: str, number: int
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(BerthError, match=f"^{what} cannot be started: {os.strerror(number)}; end other programs"):
        start(tmp_path)
