"""The part with CUDA MPS is skipped, with the reason, where MPS cannot be had; its daemon is a few lines of shell."""

from pathlib import Path

import pytest

from bench.gpu.parts import workers
from bench.gpu.scene import Scene, read_notes

DAEMON = """#!/bin/sh
if [ "$1" != -d ]; then read -r word; echo "$word" >> "$CUDA_MPS_LOG_DIRECTORY/told"; exit 0; fi
"""


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(device="cuda", is_small=True, folder=tmp_path, notes=tmp_path / "notes")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """How many workers were measured, and which kind of run that was."""
    calls: list[tuple[int, str]] = []
    monkeypatch.setattr(workers, "pack_model", lambda _scene, _task: Path("model.mar"))
    monkeypatch.setattr(workers, "measure", lambda _scene, _archive, count, kind, _: calls.append((count, kind)))
    return calls


def install(folder: Path, daemon: str, client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / workers.MPS
    program.write_text(daemon)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(workers, "ASK", client)


@pytest.mark.parametrize(
    ("programs", "reason"),
    [
        (None, "nvidia-cuda-mps-control is not on PATH"),
        ((f"{DAEMON}echo 'no such device' >&2; exit 1", ""), "its daemon does not start: no such device"),
        ((DAEMON, "import sys; sys.exit('error 805')"), "it lets no client use the GPU: error 805"),
    ],
    ids=["not there", "does not start", "serves nobody"],
)
def test_without_mps_its_runs_are_skipped_and_the_others_stand(
    programs: tuple[str, str] | None,
    reason: str,
    scene: Scene,
    measured: list[tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(scene.folder))
    if programs:
        install(scene.folder, *programs, monkeypatch)
    workers.run(scene)
    assert measured == [(1, "no_mps"), (2, "no_mps")]
    assert list(read_notes(scene.notes)) == [{"skipped": f"CUDA MPS: {reason}"}]


def test_with_mps_it_is_measured_and_its_daemon_ended(
    scene: Scene, measured: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(scene.folder, DAEMON, "", monkeypatch)
    workers.run(scene)
    assert measured == [(1, "no_mps"), (2, "no_mps"), (2, "mps")]
    assert list(read_notes(scene.notes)) == []
    assert (scene.folder / "mps" / "told").read_text() == "quit\n"
