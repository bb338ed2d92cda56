"""Where workers are not forked, and what is said of it."""

import os
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from berth.machine import forking
from berth.machine.forking import IMPORTS_BYTES, find_worker_python, why_not_forked
from berth.machine.limits import MemoryLimit
from berth.machine.machine import read_machine

ENOUGH = MemoryLimit(bytes=2 * IMPORTS_BYTES, source="the control group")


def test_workers_are_forked_here() -> None:
    assert read_machine({"PATH": "/nowhere"}, None).not_forked is None


def test_beside_a_gpu_too() -> None:
    assert read_machine({"PATH": "/nowhere"}, None, num_gpus=1).not_forked is None


def no_pidfd(_: int) -> int:
    raise OSError


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda patch: patch.setattr(forking, "WORKER_PYTHON", Path("/nowhere/berth-python")),
            "is missing: install berth",
        ),
        (lambda patch: patch.setattr(os, "pidfd_open", no_pidfd), "no pidfd_open"),
        (lambda patch: patch.delattr(os, "pidfd_open"), "no pidfd_open"),
    ],
)
def test_the_reason_is_named(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[pytest.MonkeyPatch], None], reason: str
) -> None:
    change(monkeypatch)
    assert reason in str(why_not_forked(ENOUGH))


def test_too_little_memory_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = MemoryLimit(bytes=2 * IMPORTS_BYTES - 1, source="the control group")
    assert why_not_forked(limit) == "the control group grants 600 MiB"
    monkeypatch.setattr("berth.machine.machine.memory_limit", lambda: limit)
    assert read_machine({"PATH": "/nowhere"}, "4Gi").not_forked == "the control group grants 600 MiB"


def test_a_smaller_limit_that_was_said_changes_nothing() -> None:
    assert read_machine({"PATH": "/nowhere"}, "500Mi").not_forked is None


@pytest.mark.parametrize("place", ["bin", "posix", "user"])
def test_the_script_is_found_where_pip_puts_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str) -> None:
    def get_path(_: str, scheme: str = "posix") -> str:
        return str(tmp_path / scheme.rpartition("_")[2])

    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python3"))
    monkeypatch.setattr(sysconfig, "get_path", get_path)
    assert find_worker_python() == tmp_path / "bin" / "berth-python"
    (tmp_path / place).mkdir()
    (tmp_path / place / "berth-python").touch()
    assert find_worker_python() == tmp_path / place / "berth-python"
