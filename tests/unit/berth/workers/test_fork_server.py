"""`berth-python` and the fork server: a fork runs as Python would run it, and neither side outlives the other."""

import json
import os
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import psutil
import pytest

from berth.machine.forking import WORKER_PYTHON
from berth.wait import wait_until
from berth.workers.fork_protocol import ADDRESS_VARIABLE

PATIENCE_S = 30.0
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


def start(address: Path | None, folder: Path, *arguments: str, paths: str = "") -> subprocess.Popen[str]:
    """TorchServe's worker, as TorchServe starts it; without an address, by Python."""
    script = folder / "model_service_worker.py"
    script.write_text(SCRIPT)
    variables = {ADDRESS_VARIABLE: str(address)} if address else {}
    return subprocess.Popen(
        [WORKER_PYTHON, str(script), *arguments],
        cwd=folder,
        env={"VARIABLE": "value", "PYTHONPATH": paths, **variables},
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
    try:
        return psutil.Process(int(str(pid))).status() == psutil.STATUS_ZOMBIE  # whose parent is gone too
    except psutil.NoSuchProcess:
        return True


def test_a_fork_runs_what_python_would(server: subprocess.Popen[str], address: Path, tmp_path: Path) -> None:
    plain = start(None, tmp_path, "--name", "read", paths="/one:/two")
    forked = start(address, tmp_path, "--name", "read", paths="/one:/two")
    said = []
    for process in (plain, forked):
        output, errors = process.communicate("what was sent", timeout=PATIENCE_S)
        assert (process.returncode, errors) == (7, "a complaint\n")
        said.append(json.loads(output))
    assert said[1]["parent"] == server.pid
    assert said[0]["parent"] == os.getpid()  # Python itself, in berth-python's place
    for name in ("arguments", "folder", "variable", "name", "input", "files"):
        assert said[0][name] == said[1][name]
    assert said[1]["path"][:3] == said[0]["path"][:3] == [str(tmp_path), "/one", "/two"]


def test_several_run_at_once(server: subprocess.Popen[str], address: Path, tmp_path: Path) -> None:
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
    server: subprocess.Popen[str], address: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with start(address, tmp_path, "wait") as process:
        os.kill(int(str(first_line(process)["pid"])), number)
        assert process.wait(PATIENCE_S) == -number


def test_a_python_that_is_killed_takes_its_fork_along(
    server: subprocess.Popen[str], address: Path, tmp_path: Path
) -> None:
    with start(address, tmp_path, "wait") as process:
        pid = first_line(process)["pid"]
        os.kill(int(str(pid)), signal.SIGSTOP)  # a worker that hangs, too
        process.kill()
    assert wait_until(lambda: is_gone(pid), PATIENCE_S)


def test_the_end_of_the_server_ends_forks_and_pythons(
    server: subprocess.Popen[str], address: Path, tmp_path: Path
) -> None:
    with start(address, tmp_path, "wait") as process:
        pid = first_line(process)["pid"]
        server.kill()
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
    assert wait_until(lambda: is_gone(pid), PATIENCE_S)


def test_other_programs_are_not_forked(server: subprocess.Popen[str], address: Path) -> None:
    ran = subprocess.run(
        [WORKER_PYTHON, "-c", "import os; print(os.getppid())"],
        env={ADDRESS_VARIABLE: str(address)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(ran.stdout) == os.getpid()


def test_a_worker_that_nobody_forks_ends(address: Path, tmp_path: Path) -> None:
    process = start(address, tmp_path)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "no worker was forked" in errors


@pytest.mark.parametrize("server", ["program.RECEIVE_TIMEOUT = program.struct.pack('ll', 1, 0)"], indirect=True)
@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing, and waits"),
        pytest.param((100).to_bytes(4, "big") + b"{", id="a part, and waits"),
        pytest.param((-1).to_bytes(4, "big", signed=True), id="a negative length"),
        pytest.param((2).to_bytes(4, "big") + b"{}", id="no work"),
    ],
)
def test_what_is_no_work_stops_nobody_else(
    server: subprocess.Popen[str], address: Path, tmp_path: Path, sent: bytes
) -> None:
    before = psutil.Process(server.pid).num_fds()
    with socket.socket(socket.AF_UNIX) as strange:
        strange.connect(str(address))
        if sent:
            socket.send_fds(strange, [sent], (0, 1, 2))
        process = start(address, tmp_path)
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 7
    assert wait_until(lambda: psutil.Process(server.pid).num_fds() == before, PATIENCE_S)  # none is left open


@pytest.mark.parametrize("server", ["os.fork = lambda: os.open('/nowhere', 0)"], indirect=True)
def test_a_fork_that_fails_is_said_and_ends_its_python(
    server: subprocess.Popen[str], address: Path, tmp_path: Path
) -> None:
    for _ in range(2):  # the server goes on
        process = start(address, tmp_path)
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 1
    server.kill()
    assert server.stderr is not None
    assert server.stderr.read().count("a worker could not be forked") == 2


@pytest.mark.parametrize("server", ["os.pidfd_open = lambda _: os.open('/nowhere', 0)"], indirect=True)
def test_a_fork_that_cannot_be_watched_is_ended(server: subprocess.Popen[str], address: Path, tmp_path: Path) -> None:
    process = start(address, tmp_path, "wait")
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert psutil.Process(server.pid).children() == []


def test_the_imports_leave_no_thread_and_no_handler_behind() -> None:
    program = (
        "import os, sys; from berth.workers.fork_server import preload; preload(); "
        "print([name for name in sys.modules if name.split('.')[0] == 'handler'], flush=True); "
        "pid = os.fork(); pid or print(len(os.listdir('/proc/self/task')), flush=True); pid and os.wait()"
    )
    ran = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["[]", "1"]
