"""Counting GPUs, and what is said where one was asked for and none is there."""

from pathlib import Path

import pytest

from berth.errors import Refused, UsageError
from berth.machine.gpu import count_gpus, describe_device, explain_missing, gpu_memory_bytes


def test_nvidia_smi_and_torch_together_make_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch's count is the seam: this machine need not have a GPU."""
    program = tmp_path / "nvidia-smi"
    program.touch(mode=0o755)
    monkeypatch.setattr("berth.machine.gpu._ask_torch", lambda: (1, 24 * 2**30))
    assert count_gpus({"PATH": str(tmp_path)}) == 1
    assert count_gpus({"BERTH_DEVICE": "cuda", "PATH": str(tmp_path)}) == 1
    assert count_gpus({"BERTH_DEVICE": "cpu", "PATH": str(tmp_path)}) == 0
    assert gpu_memory_bytes({"PATH": str(tmp_path)}) == 24 * 2**30
    assert gpu_memory_bytes({"PATH": ""}) is None


@pytest.mark.parametrize("value", ["CUDA", "gpu", ""])
def test_another_device_is_a_mistake(value: str) -> None:
    with pytest.raises(UsageError, match=r"BERTH_DEVICE is .* one of auto, cpu, cuda"):
        count_gpus({"BERTH_DEVICE": value})


def test_without_nvidia_smi_there_is_no_gpu(tmp_path: Path) -> None:
    assert count_gpus({"PATH": str(tmp_path)}) == 0


def test_a_gpu_that_was_asked_for_and_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="BERTH_DEVICE is cuda and there is no GPU: "):
        count_gpus({"BERTH_DEVICE": "cuda", "PATH": str(tmp_path)})


def test_no_device_points_at_the_limit_and_the_plugin(tmp_path: Path) -> None:
    told = explain_missing({"PATH": ""}, tmp_path)
    assert "nvidia.com/gpu: 1" in told
    assert "device plugin" in told


def test_a_device_without_nvidia_smi_points_at_the_driver(tmp_path: Path) -> None:
    (tmp_path / "nvidia0").touch()
    assert "gpu-driver-version" in explain_missing({"PATH": str(tmp_path)}, tmp_path)


def test_a_device_that_torch_does_not_see_points_at_torch(tmp_path: Path) -> None:
    (tmp_path / "nvidia0").touch()
    (tmp_path / "nvidia-smi").touch(mode=0o755)
    assert "CUDA build" in explain_missing({"PATH": str(tmp_path)}, tmp_path)


def test_the_log_names_the_device_and_why_it_is_not_a_gpu(tmp_path: Path) -> None:
    assert describe_device(0, {}, tmp_path) == "CPU"
    assert describe_device(2, {}, tmp_path) == "2 GPUs"
    (tmp_path / "nvidia0").touch()
    assert "nvidia-smi" in describe_device(0, {"PATH": str(tmp_path)}, tmp_path)
    assert describe_device(0, {"PATH": str(tmp_path), "BERTH_DEVICE": "cpu"}, tmp_path) == "CPU"
