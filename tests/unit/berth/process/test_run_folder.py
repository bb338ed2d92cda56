"""A server's temporary folder: its own, gone at the end, and cleared away by the next where its owner was killed."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from berth.errors import UsageError
from berth.process.run_folder import LOCK, run_folder

# Says which folder it has and waits to be killed.
OWNER = (
    "from berth.process.run_folder import run_folder\nwith run_folder() as folder: print(folder, flush=True); input()"
)


@pytest.fixture(autouse=True)
def temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """TMPDIR, also of this process, which has chosen its own before."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_it_is_gone_at_the_end(temp: Path) -> None:
    with run_folder() as folder:
        assert folder.parent == temp
    assert list(temp.iterdir()) == []


def test_a_living_servers_is_kept_and_a_killed_ones_is_removed(temp: Path) -> None:
    command = [sys.executable, "-c", OWNER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        theirs = Path(owner.stdout.readline().strip())
        with run_folder() as ours:
            assert set(temp.iterdir()) == {theirs, ours}
        owner.kill()
    assert list(temp.iterdir()) == [theirs]
    with run_folder() as ours:
        assert list(temp.iterdir()) == [ours]


def test_the_folder_itself_is_locked_or_systemd_would_empty_it(temp: Path) -> None:
    with run_folder() as folder:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with pytest.raises(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as systemd-tmpfiles asks
        finally:
            os.close(descriptor)


def test_what_is_not_berths_is_left_alone(temp: Path) -> None:
    elsewhere = temp / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / LOCK).touch()
    (temp / "berth-link").symlink_to(elsewhere)
    (temp / "berth-notes").mkdir()
    with run_folder():
        assert (elsewhere / LOCK).exists()
        assert (temp / "berth-notes").is_dir()


def test_a_path_that_is_too_long_for_a_socket(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = temp / ("x" * 90)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with pytest.raises(UsageError, match="TMPDIR"), run_folder():
        pass
    assert list(long.iterdir()) == []
