"""Finding GPUs without importing torch, and what is said where one was asked for and none is there.

An nvidia-smi of three lines is the seam: this machine need not have a GPU, nor its torch be built for CUDA.
"""

import os
from pathlib import Path

import pytest

from berth.errors import Refused, UsageError
from berth.machine import gpu
from berth.machine.gpu import describe_device, explain_missing, find_gpus, has_cuda_build, read_gpus, why_unused
from berth.machine.machine import read_machine
from berth.machine.nvidia_smi import QUERY, USE_QUERY, Gpu, GpuUse, read_use, visible_gpus
from berth.machine.quantities import MIB

L4_LINE = "GPU-1a2b, [N/A], NVIDIA L4, 23034, 22500"
H100_LINE = "GPU-1a9c, Disabled, NVIDIA H100 80GB HBM3, 81559, 40000"
L4 = Gpu(name="NVIDIA L4", total_bytes=23034 * MIB, free_bytes=22500 * MIB)
H100 = Gpu(name="NVIDIA H100 80GB HBM3", total_bytes=81559 * MIB, free_bytes=40000 * MIB)
TABLE = f"{L4_LINE}\n{H100_LINE}\n"


def install(folder: Path, script: str) -> dict[str, str]:
    """An environment whose PATH has this nvidia-smi alone."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": str(folder)}


@pytest.fixture
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(gpu, "has_cuda_build", lambda: True)
    monkeypatch.setenv("PATH", str(tmp_path))
    return install(tmp_path, f'[ "$1" = "{QUERY}" ] && echo "{L4_LINE}" && echo "{H100_LINE}"')


def test_nvidia_smi_names_the_gpus_and_their_free_memory(two_gpus: dict[str, str]) -> None:
    assert read_gpus(two_gpus) == (L4, H100)
    assert read_gpus({**two_gpus, "BERTH_DEVICE": "cuda", "CUDA_VISIBLE_DEVICES": "1"}) == (H100,)
    assert read_gpus({**two_gpus, "BERTH_DEVICE": "cpu"}) == ()


FIRST_USE = GpuUse(uuid="GPU-1a", busy_ratio=0.25, used_bytes=512 * MIB, total_bytes=1024 * MIB)
LAST_USE = GpuUse(uuid="GPU-3c", busy_ratio=1.0, used_bytes=1024 * MIB, total_bytes=1024 * MIB)


def install_use(folder: Path, *between: str) -> dict[str, str]:
    """As `install`: two GPUs that are well, and these lines between them."""
    lines = ("GPU-1a, 25, 512, 1024", *between, "GPU-3c, 100, 1024, 1024")
    return install(folder, f'[ "$1" = "{USE_QUERY}" ] && printf "%s\\n" {" ".join(map(repr, lines))}')


def test_what_gpus_do_is_asked_of_those_that_are_seen(tmp_path: Path) -> None:
    environ = install_use(tmp_path)
    assert read_use(environ) == (FIRST_USE, LAST_USE)
    assert read_use({**environ, "CUDA_VISIBLE_DEVICES": "1,0"}) == (LAST_USE, FIRST_USE)
    assert read_use({**environ, "CUDA_VISIBLE_DEVICES": "MIG-5c3f"}) == ()
    assert read_use(install(tmp_path, "exit 9")) == ()


@pytest.mark.parametrize(
    "line",
    [
        "GPU-2b, [N/A], 1, 2",
        "GPU-2b, 7, [Not Supported], 2",
        "GPU-2b, 7, 1, [Unknown Error]",
        "Unable to determine the device handle for GPU 0000:00:04.0: Unknown Error",
    ],
)
def test_a_line_that_cannot_be_read_hides_no_other_gpu(line: str, tmp_path: Path) -> None:
    assert read_use(install_use(tmp_path, line)) == (FIRST_USE, LAST_USE)


def test_a_machine_is_described_by_its_fullest_gpu(two_gpus: dict[str, str]) -> None:
    machine = read_machine(two_gpus, None)
    assert (machine.num_gpus, machine.gpu) == (2, L4)
    assert (read_machine(two_gpus, None, num_gpus=4).num_gpus, read_machine(two_gpus, None, num_gpus=4).gpu) == (4, L4)
    assert read_machine(two_gpus, None, num_gpus=0).gpu is None


@pytest.mark.parametrize(
    ("visible", "found"),
    [
        ("0,1", (L4, H100)),
        ("1, 0", (H100, L4)),
        ("GPU-1a9c", (H100,)),
        ("GPU-1a2,1", (L4, H100)),
        ("GPU-1a", ()),  # the beginning of both
        ("", ()),
        ("-1", ()),
        ("1,7,0", (H100,)),  # what comes after a wrong one is hidden
        ("0,0", ()),
        ("none", ()),
    ],
)
def test_the_visible_gpus_are_those_that_cuda_would_show(visible: str, found: tuple[Gpu, ...]) -> None:
    assert visible_gpus(TABLE, {"CUDA_VISIBLE_DEVICES": visible}) == found


PARTS = "GPU-1, Enabled, NVIDIA H100 80GB HBM3, 81559, 40000\nGPU-2, Disabled, NVIDIA H100 80GB HBM3, 81559, 80000\n"


@pytest.mark.parametrize(
    ("table", "visible"),
    [(TABLE, "MIG-5c3f"), (PARTS, "0"), ("GPU-3, [N/A], NVIDIA GB10, [N/A], [N/A]", "0")],
    ids=["a part's name", "a divided GPU", "memory that it shares"],
)
def test_what_nvidia_smi_does_not_say_torch_is_asked(
    table: str, visible: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=r"MIG|part of one|N/A"):
        visible_gpus(table, {"CUDA_VISIBLE_DEVICES": visible})
    monkeypatch.setattr(gpu, "has_cuda_build", lambda: True)
    monkeypatch.setattr(gpu, "ASK_TORCH", "print('NVIDIA H100 MIG 1g.10gb,9856,9700')")  # there is no such torch here
    monkeypatch.setenv("PATH", str(tmp_path))
    environ = install(tmp_path, f"echo '{table}'") | {"CUDA_VISIBLE_DEVICES": visible}
    part = Gpu(name="NVIDIA H100 MIG 1g.10gb", total_bytes=9856 * MIB, free_bytes=9700 * MIB)
    assert find_gpus(environ) == (part,)


def test_a_gpu_beside_a_divided_one_needs_no_torch() -> None:
    (found,) = visible_gpus(PARTS, {"CUDA_VISIBLE_DEVICES": "1"})
    assert found.free_bytes == 80000 * MIB


def test_torch_says_nothing_where_it_sees_none() -> None:
    assert gpu._ask_torch(os.environ) == ()


def test_torch_is_asked_as_a_worker_would_see_it(monkeypatch: pytest.MonkeyPatch) -> None:
    names = "os.environ['CUDA_DEVICE_ORDER'], os.environ['CUDA_VISIBLE_DEVICES']"
    monkeypatch.setattr(gpu, "ASK_TORCH", f"import os; print({names}, end=',1,1')")
    (found,) = gpu._ask_torch({**os.environ, "CUDA_DEVICE_ORDER": "FASTEST_FIRST", "CUDA_VISIBLE_DEVICES": "1"})
    assert found.name == "PCI_BUS_ID 1"


def test_a_driver_that_fails_shows_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "has_cuda_build", lambda: True)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_gpus(install(tmp_path, "exit 9")) == ()


@pytest.mark.parametrize(
    ("line", "is_built"), [("cuda: Optional[str] = '13.0'", True), ("cuda: Optional[str] = None", False), ("", False)]
)
def test_a_torch_for_cuda_is_known_by_its_version_file(
    line: str, is_built: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "torch"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "version.py").write_text(f"__version__ = '2.13.0'\n{line}\nhip: Optional[str] = '7'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "torch", raising=False)
    assert has_cuda_build() is is_built


@pytest.mark.parametrize("value", ["CUDA", "gpu", ""])
def test_another_device_is_a_mistake(value: str) -> None:
    with pytest.raises(UsageError, match=r"BERTH_DEVICE is .* one of auto, cpu, cuda"):
        read_gpus({"BERTH_DEVICE": value})


def test_without_nvidia_smi_there_is_no_gpu(tmp_path: Path) -> None:
    assert read_gpus({"PATH": str(tmp_path)}) == ()


def test_a_gpu_that_was_asked_for_and_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="BERTH_DEVICE is cuda and there is no GPU: "):
        read_gpus({"BERTH_DEVICE": "cuda", "PATH": str(tmp_path)})


def test_no_device_points_at_the_limit_and_the_plugin(tmp_path: Path) -> None:
    told = explain_missing({"PATH": ""}, tmp_path)
    assert "nvidia.com/gpu: 1" in told
    assert "device plugin" in told


def test_a_device_without_nvidia_smi_points_at_the_driver(tmp_path: Path) -> None:
    (tmp_path / "nvidia0").touch()
    assert "gpu-driver-version" in explain_missing({"PATH": str(tmp_path)}, tmp_path)


@pytest.mark.parametrize(("is_built", "words"), [(False, "not a CUDA build"), (True, "CUDA_VISIBLE_DEVICES hides")])
def test_a_device_that_cannot_be_used_points_at_torch_or_the_driver(
    is_built: bool, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "has_cuda_build", lambda: is_built)
    (tmp_path / "nvidia0").touch()
    assert words in explain_missing(install(tmp_path, "exit 9"), tmp_path)


def test_a_gpu_without_a_file_of_the_driver_is_explained_too(
    two_gpus: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WSL has no /dev/nvidia0."""
    monkeypatch.setattr(gpu, "has_cuda_build", lambda: False)
    assert describe_device(0, two_gpus, tmp_path) == f"CPU, not a GPU: {why_unused(two_gpus, tmp_path)}"
    assert "not a CUDA build" in (why_unused(two_gpus, tmp_path) or "")
    with pytest.raises(Refused, match="no GPU: the installed torch is not a CUDA build"):
        read_gpus({**two_gpus, "BERTH_DEVICE": "cuda"})
    assert describe_device(0, {**two_gpus, "BERTH_DEVICE": "cpu"}, tmp_path) == "CPU"
    assert describe_device(0, install(tmp_path, "echo No devices were found"), tmp_path) == "CPU"


def test_the_log_names_the_device_and_why_it_is_not_a_gpu(tmp_path: Path) -> None:
    assert describe_device(0, {"PATH": ""}, tmp_path) == "CPU"
    assert describe_device(2, {}, tmp_path) == "2 GPUs"
    (tmp_path / "nvidia0").touch()
    assert "nvidia-smi" in describe_device(0, {"PATH": str(tmp_path)}, tmp_path)
    assert describe_device(0, {"PATH": str(tmp_path), "BERTH_DEVICE": "cpu"}, tmp_path) == "CPU"
