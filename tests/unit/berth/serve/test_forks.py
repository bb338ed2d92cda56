"""Where workers are not forked, and what is said of it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from berth.machine.limits import MemoryLimit
from berth.memory.budget import IMPORTS_BYTES
from berth.serve import forks
from berth.serve.forks import why_not_forked


@pytest.fixture
def driver(tmp_path: Path) -> str:
    """A PATH with an nvidia-smi."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return str(tmp_path)


def test_workers_are_forked_here() -> None:
    assert why_not_forked({"PATH": "/nowhere"}) is None


@pytest.mark.parametrize(("device", "is_forked"), [("cpu", True), ("auto", False), ("cuda", False)])
def test_beside_a_gpu_only_for_the_cpu(driver: str, device: str, is_forked: bool) -> None:
    assert (why_not_forked({"PATH": driver, "BERTH_DEVICE": device}) is None) is is_forked


def no_pidfd(_: int) -> int:
    raise OSError


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda patch: patch.setattr(forks, "WORKER_PYTHON", Path("/nowhere/berth-python")),
            "is missing: install berth",
        ),
        (lambda patch: patch.setattr(os, "pidfd_open", no_pidfd), "no pidfd_open"),
        (lambda patch: patch.delattr(os, "pidfd_open"), "no pidfd_open"),
        (
            lambda patch: patch.setattr(
                forks, "memory_limit", lambda: MemoryLimit(bytes=2 * IMPORTS_BYTES - 1, source="the control group")
            ),
            "the control group grants 600 MiB",
        ),
    ],
)
def test_the_reason_is_named(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[pytest.MonkeyPatch], None], reason: str
) -> None:
    change(monkeypatch)
    assert reason in str(why_not_forked({"PATH": "/nowhere"}))
