"""A helper process that is started again, also after a start that failed."""

import os
import signal
import sys
from pathlib import Path

import pytest

from berth.process.kept import KeptProcess
from berth.wait import wait_until

PATIENCE_S = 10.0


def test_a_start_that_fails_is_told_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("berth.process.kept.PAUSE_S", 0.0)
    folder, left = tmp_path / "run", tmp_path / "run" / "left.sock"
    folder.mkdir()
    left.touch()
    process = KeptProcess(
        name="the helper",
        command=[sys.executable, "-c", "import time; time.sleep(600)"],
        folder=folder,
        environment=os.environ,
        is_serving=lambda: True,
        sockets=[left],
    )
    with process.running():
        former = process.pid
        assert not left.exists()  # where a disk is full, that is the room for a new one
        process.send(signal.SIGKILL)
        assert wait_until(lambda: process.has_ended, PATIENCE_S)
        folder.rename(tmp_path / "elsewhere")  # where no process can begin
        process.look()
        assert process.has_ended
        assert "the helper could not be started: No such file or directory" in capfd.readouterr().err
        (tmp_path / "elsewhere").rename(folder)
        process.look()
        assert process.pid != former
