"""Where workers are not forked, and what is said of it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from berth.machine import forking
from berth.machine.forking import IMPORTS_BYTES, why_not_forked
from berth.machine.gpu import may_have_gpu
from berth.machine.limits import MemoryLimit
from berth.machine.machine import read_machine

ENOUGH = MemoryLimit(bytes=2 * IMPORTS_BYTES, source="the control group")


@pytest.fixture
def driver(tmp_path: Path) -> str:
    """A PATH with an nvidia-smi."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return str(tmp_path)


def test_workers_are_forked_here() -> None:
    assert read_machine({"PATH": "/nowhere"}, None).not_forked is None


@pytest.mark.parametrize(("device", "is_forked"), [("cpu", True), ("auto", False), ("cuda", False)])
def test_beside_a_gpu_only_for_the_cpu(driver: str, device: str, is_forked: bool) -> None:
    may_have = may_have_gpu({"PATH": driver, "BERTH_DEVICE": device})
    assert (why_not_forked(ENOUGH, beside_gpu=may_have) is None) is is_forked


@pytest.mark.parametrize(("num_gpus", "is_forked"), [(None, False), (0, True), (1, False)])
def test_a_described_machine_has_a_driver_where_it_has_a_gpu(
    driver: str, num_gpus: int | None, is_forked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here nvidia-smi is there and torch sees no GPU."""
    monkeypatch.setattr("berth.machine.gpu._ask_torch", lambda: (0, 0))
    assert (read_machine({"PATH": driver}, None, num_gpus).not_forked is None) is is_forked


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
    assert reason in str(why_not_forked(ENOUGH, beside_gpu=False))


def test_too_little_memory_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = MemoryLimit(bytes=2 * IMPORTS_BYTES - 1, source="the control group")
    assert why_not_forked(limit, beside_gpu=False) == "the control group grants 600 MiB"
    monkeypatch.setattr("berth.machine.machine.memory_limit", lambda: limit)
    assert read_machine({"PATH": "/nowhere"}, "4Gi").not_forked == "the control group grants 600 MiB"


def test_a_smaller_limit_that_was_said_changes_nothing() -> None:
    assert read_machine({"PATH": "/nowhere"}, "500Mi").not_forked is None
