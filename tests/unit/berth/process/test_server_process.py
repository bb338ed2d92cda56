"""How a server's end is told: by what java said last."""

import os
from pathlib import Path

from berth.process.server_process import server_process

FULL = "Terminating due to java.lang.OutOfMemoryError: Java heap space"


def ended(folder: Path, script: str) -> str:
    with server_process(["/bin/sh", "-c", script], folder=folder, environment=os.environ) as torchserve:
        torchserve.process.wait()
        return torchserve.end


def test_a_full_heap_is_told_with_what_helps(tmp_path: Path) -> None:
    assert "exit code 3; its heap was full: leave -Xmx" in ended(tmp_path, f"echo '{FULL}'; exit 3")


def test_any_other_end_is_in_the_log_above(tmp_path: Path) -> None:
    assert ended(tmp_path, "exit 3").endswith("exit code 3; its log is above")
