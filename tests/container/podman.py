"""podman for tests: commands, and containers that are always removed."""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from berth.wait import wait_until

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
PORTS = (8080, 7070, 8082, 8090)
COMMAND_S = 60.0
BUILD_S = 1800.0
READY_S = 180.0
STOP_S = 90
# As a pod of k8s/base runs.
LIKE_A_POD = (
    *("--read-only", "--read-only-tmpfs=false", "--tmpfs", "/tmp:rw,size=1g,mode=1777"),
    *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--memory", "4g", "--memory-swap", "4g"),
)


def choose_runtime() -> None:
    """Where crun is missing and runc is there, podman takes our settings, unless CONTAINERS_CONF names others."""
    if shutil.which("crun") is None and shutil.which("runc"):
        os.environ.setdefault("CONTAINERS_CONF", str(FOLDER / "containers.conf"))


def run(*command: str, check: bool = True, timeout_s: float = COMMAND_S) -> subprocess.CompletedProcess[str]:
    """A command to its end, with what it said; one that takes too long is killed with all that it started."""
    # conmon leaves a file named oom in the current folder when the kernel killed something.
    folder, pipe = tempfile.gettempdir(), subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=pipe, text=True, process_group=0) as process:
        try:
            stdout, stderr = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            said = (error.stderr or b"").decode()  # bytes, whatever `text` says (python/cpython issue 87597)
            raise AssertionError(f"{shlex.join(command)}: not done in {timeout_s:.0f} s\n{said}") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert not check or process.returncode == 0, f"{shlex.join(command)}: {process.returncode}\n{stdout}\n{stderr}"
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def podman(*arguments: str, check: bool = True, timeout_s: float = COMMAND_S) -> subprocess.CompletedProcess[str]:
    """One podman command."""
    return run("podman", *arguments, check=check, timeout_s=timeout_s)


def make_image(base: str, *variables: str) -> str:
    """`make image` from this base; what it printed."""
    make = ("make", "--no-print-directory", "--directory", str(ROOT), "image", "ENGINE=podman", f"BASE={base}")
    return run(*make, *variables, timeout_s=BUILD_S).stdout


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container that was started; it may have ended."""

    name: str

    @property
    def log(self) -> str:
        ran = podman("logs", self.name, check=False)
        return ran.stdout + ran.stderr

    def address(self, port: int) -> str:
        """Where this machine finds a port of the container."""
        return podman("port", self.name, str(port)).stdout.strip()

    @property
    def outside(self) -> str:
        """Its own address, at which all of its ports are asked; "" where it has none (rootless podman)."""
        return self.inspect("{{.NetworkSettings.IPAddress}}")

    def url(self, port: int) -> str:
        return f"http://{self.address(port)}"

    def exec(self, *command: str, check: bool = True, timeout_s: float = COMMAND_S) -> subprocess.CompletedProcess[str]:
        return podman("exec", self.name, *command, check=check, timeout_s=timeout_s)

    def inspect(self, template: str) -> str:
        return podman("inspect", "--format", template, self.name).stdout.strip()

    def processes(self) -> list[psutil.Process]:
        """All that run in it, as this machine sees them."""
        first = psutil.Process(int(self.inspect("{{.State.Pid}}")))
        return [first, *first.children(recursive=True)]

    def is_ready(self) -> bool:
        """It says so; an error when it has ended."""
        assert self.inspect("{{.State.Running}}") == "true", self.log
        try:
            return requests.get(f"{self.url(8090)}/ready", timeout=5).ok
        except requests.RequestException:
            return False

    def wait_until_ready(self) -> float:
        """Seconds that it took."""
        started = time.monotonic()
        assert wait_until(self.is_ready, READY_S), self.log
        return time.monotonic() - started

    def wait_for_end(self) -> int:
        """Its exit code."""
        return int(podman("wait", self.name, timeout_s=READY_S).stdout)

    def stop(self) -> int:
        """SIGTERM, and SIGKILL after STOP_S; its exit code."""
        podman("stop", "--time", str(STOP_S), self.name, timeout_s=STOP_S + COMMAND_S)
        return int(self.inspect("{{.State.ExitCode}}"))


@contextlib.contextmanager
def started_container(image: str, *options: str, arguments: Sequence[str] = ()) -> Iterator[Container]:
    """A container like the pod's, its ports published on free ones of loopback; removed afterwards.

    `arguments`: of `berth serve`.
    """
    name = f"berth-test-{uuid.uuid4().hex[:8]}"
    published = [option for port in PORTS for option in ("--publish", f"127.0.0.1::{port}")]
    try:
        podman("run", "--detach", "--name", name, *LIKE_A_POD, *published, *options, image, *arguments)
        yield Container(name=name)
    finally:
        podman("rm", "--force", "--time", "0", name, check=False)
