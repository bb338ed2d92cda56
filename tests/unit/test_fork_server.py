"""`berth-python` and the fork server: a fork runs as Python would run it, and neither side outlives the other."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from berth.forking import ADDRESS_VARIABLE
from berth.wait import wait_until
from berth.worker_python import worker_python

PATIENCE_S = 30.0
# The program without its imports, which take seconds.
SERVER = "import berth.fork_server as program; program.preload = lambda: None; program.main()"
SCRIPT = """
import json, os, sys, time
print(json.dumps({
    "arguments": sys.argv, "folder": os.getcwd(), "path": sys.path, "variable": os.environ.get("VARIABLE"),
    "parent": os.getppid(), "pid": os.getpid(), "name": __name__, "files": len(os.listdir("/proc/self/fd")),
    "input": sys.stdin.read() if "read" in sys.argv else None,
}), flush=True)
print("a complaint", file=sys.stderr, flush=True)
if "wait" in sys.argv:
    time.sleep(600)
sys.exit(7)
"""


@pytest.fixture
def address() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bt-") as folder:  # a short path: it is a socket's
        yield Path(folder, "forks")


@pytest.fixture
def server(address: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", SERVER, str(address)]) as process:
        try:
            assert wait_until(address.exists, PATIENCE_S)
            yield process
        finally:
            process.kill()


def start(address: Path, folder: Path, *arguments: str, paths: str = "") -> subprocess.Popen[str]:
    """TorchServe's worker, as TorchServe starts it."""
    script = folder / "model_service_worker.py"
    script.write_text(SCRIPT)
    return subprocess.Popen(
        [worker_python(), str(script), *arguments],
        cwd=folder,
        env={ADDRESS_VARIABLE: str(address), "VARIABLE": "value", "PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def first_line(process: subprocess.Popen[str]) -> dict[str, object]:
    assert process.stdout is not None
    said: dict[str, object] = json.loads(process.stdout.readline())
    return said


def is_gone(pid: object) -> bool:
    return not psutil.pid_exists(int(str(pid)))


def test_a_fork_runs_what_python_would(server: subprocess.Popen[bytes], address: Path, tmp_path: Path) -> None:
    plain = start(address.with_name("nobody"), tmp_path, "--name", "read", paths="/one:/two")
    forked = start(address, tmp_path, "--name", "read", paths="/one:/two")
    said = []
    for process in (plain, forked):
        output, errors = process.communicate("what was sent", timeout=PATIENCE_S)
        assert (process.returncode, errors) == (7, "a complaint\n")
        said.append(json.loads(output))
    assert said[1]["parent"] == server.pid
    assert said[0]["parent"] == os.getpid()  # nobody forks: Python itself, in berth-python's place
    for name in ("arguments", "folder", "variable", "name", "input", "files"):
        assert said[0][name] == said[1][name]
    assert said[1]["path"][:3] == said[0]["path"][:3] == [str(tmp_path), "/one", "/two"]


def test_several_run_at_once(server: subprocess.Popen[bytes], address: Path, tmp_path: Path) -> None:
    processes = [start(address, tmp_path, "wait") for _ in range(3)]
    said = [first_line(process) for process in processes]
    assert len({str(each["pid"]) for each in said}) == 3
    assert len({each["files"] for each in said}) == 1  # none holds the files of those before it
    for process, each in zip(processes, said, strict=True):
        process.kill()
        process.communicate()
        assert wait_until(partial(is_gone, each["pid"]), PATIENCE_S)
    assert server.poll() is None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_fork_that_is_killed_ends_its_python_in_the_same_way(
    server: subprocess.Popen[bytes], address: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with start(address, tmp_path, "wait") as process:
        os.kill(int(str(first_line(process)["pid"])), number)
        assert process.wait(PATIENCE_S) == -number


def test_a_python_that_is_killed_takes_its_fork_along(
    server: subprocess.Popen[bytes], address: Path, tmp_path: Path
) -> None:
    with start(address, tmp_path, "wait") as process:
        pid = first_line(process)["pid"]
        os.kill(int(str(pid)), signal.SIGSTOP)  # a worker that hangs, too
        process.kill()
    assert wait_until(lambda: is_gone(pid), PATIENCE_S)


def test_the_end_of_the_server_ends_forks_and_pythons(
    server: subprocess.Popen[bytes], address: Path, tmp_path: Path
) -> None:
    with start(address, tmp_path, "wait") as process:
        pid = first_line(process)["pid"]
        server.kill()
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
    assert wait_until(lambda: is_gone(pid), PATIENCE_S)


def test_other_programs_are_not_forked(server: subprocess.Popen[bytes], address: Path) -> None:
    ran = subprocess.run(
        [worker_python(), "-c", "import os; print(os.getppid())"],
        env={ADDRESS_VARIABLE: str(address)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(ran.stdout) == os.getpid()
