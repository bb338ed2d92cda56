"""Which GPU is measured, by an nvidia-smi of two lines: this machine need not have one."""

import os
from pathlib import Path

import pytest

from bench.gpu import __main__ as script
from bench.gpu.card import CARD, USED, find_card, used_mib
from berth.machine.nvidia_smi import VISIBLE

SMI = f"""#!/bin/sh
case "$1" in
{CARD}) echo "GPU-1a, 0, NVIDIA L4, 580.1, 23034"; echo "GPU-2b, 1, NVIDIA H100, 580.1, 81559" ;;
{USED}) echo "GPU-1a, 10"; echo "GPU-2b, 20" ;;
*) exit 1 ;;
esac
"""


@pytest.fixture(autouse=True)
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(SMI)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(VISIBLE, raising=False)


@pytest.mark.parametrize(("visible", "name", "used"), [("", "NVIDIA L4", 10), ("1", "NVIDIA H100", 20)])
def test_the_first_that_cuda_shows_is_measured_alone(
    visible: str, name: str, used: float, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if visible:
        monkeypatch.setenv(VISIBLE, visible)
    card = script._find_card()
    assert card is not None
    assert (card.name, used_mib()) == (name, used)
    assert f"measuring {name}: GPU {visible or 0} of 2" in capsys.readouterr().err
    for variable, value in card.variables.items():
        monkeypatch.setenv(variable, value)
    assert (find_card(os.environ), used_mib()) == (card, used), "a part sees the same one"


@pytest.mark.parametrize("visible", ["", "7"])
def test_where_all_are_hidden_there_is_none(visible: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, visible)
    assert find_card(os.environ) is None
    with pytest.raises(RuntimeError, match="run it by hand"):
        used_mib()


def test_a_part_of_one_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "MIG-5c3f")
    with pytest.raises(SystemExit, match=r"MIG-5c3f is a part of a GPU: name in CUDA_VISIBLE_DEVICES a whole GPU"):
        script._find_card()
