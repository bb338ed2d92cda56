"""`berth serve` as a user starts it: a process, a log, ports of its own."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import requests

from bench.server import end_process
from berth.tune.ports import free_ports, port_variables
from berth.wait import wait_until

if TYPE_CHECKING:
    from tests.support.clients import Model

BERTH = Path(sys.executable).with_name("berth")
CONFIG = Path(__file__).parents[2] / "config.properties"
READY_S = 120.0  # torch's import and a model's load on a busy machine
END_S = 60.0  # of a busy machine


@dataclass(frozen=True, kw_only=True)
class Server:
    """A `berth serve` that was started; it may not be ready, or have ended."""

    process: subprocess.Popen[bytes]
    log_file: Path
    temp: Path
    """Its TMPDIR, which nobody else uses."""
    ports: Mapping[str, int]

    @property
    def inference_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['inference']}"

    @property
    def management_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['management']}"

    @property
    def metrics_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['metrics']}"

    @property
    def health_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['health']}"

    @property
    def grpc_port(self) -> int:
        return self.ports["grpc_inference"]

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    @property
    def java(self) -> psutil.Process:
        (java,) = [child for child in psutil.Process(self.process.pid).children() if child.name() == "java"]
        return java

    @property
    def forks(self) -> psutil.Process:
        """What forks the workers."""
        below = psutil.Process(self.process.pid).children()
        (forks,) = [child for child in below if "berth.workers.fork_server" in child.cmdline()]
        return forks

    @property
    def leaders(self) -> tuple[int, int]:
        """Whose sessions hold all but berth itself: for session_pids."""
        return self.java.pid, self.forks.pid

    def describe(self, model: str = "bert") -> dict[str, Any]:
        answer = requests.get(f"{self.management_url}/models/{model}", timeout=10)
        answer.raise_for_status()
        return dict(answer.json()[0])

    def model(self, name: str) -> "Model":
        """What the clients of tests/support/clients ask."""
        from tests.support.clients import Model  # noqa: PLC0415 - a machine that only measures has not their packages

        return Model(name=name, url=self.inference_url, grpc_address=f"127.0.0.1:{self.grpc_port}")

    def worker_pids(self, model: str = "bert") -> list[int]:
        return [worker["pid"] for worker in self.describe(model)["workers"]]

    def wait_for_log(self, text: str, timeout_s: float = READY_S) -> None:
        self.require(lambda: text in self.log or self.process.poll() is not None, timeout_s, f"log says {text!r}")
        assert text in self.log, f"ended with {self.process.returncode} before the log said {text!r}:\n{self.log}"

    def wait_for_end(self, timeout_s: float = END_S) -> int:
        self.require(lambda: self.process.poll() is not None, timeout_s, "berth ended")
        return self.process.returncode

    def require(self, predicate: Callable[[], bool], timeout_s: float, what: str) -> None:
        assert wait_until(predicate, timeout_s), f"not within {timeout_s:.0f} s: {what}\n{self.log}"


def session_pids(*leaders: int) -> list[int]:
    """Living processes of these sessions."""
    found = []
    for process in psutil.process_iter(["status"]):
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(process.pid) in leaders and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


@contextlib.contextmanager
def started_server(
    archives: Sequence[Path],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    *,
    options: Sequence[str] = (),
    wrapper: Sequence[str] = (),
    ports: Mapping[str, int] | None = None,
) -> Iterator[Server]:
    """`berth serve ARCHIVE...` in a session of its own, on free ports or these; ended and cleared away afterwards.

    `wrapper`: a command that becomes the one that follows it.
    """
    with tempfile.TemporaryDirectory(prefix="bt-", ignore_cleanup_errors=True) as folder:
        temp, log_file, ports = Path(folder, "tmp"), Path(folder, "log"), ports or free_ports()
        temp.mkdir()
        environment = {
            **os.environ,
            "TMPDIR": str(temp),
            "XDG_CACHE_HOME": str(Path(folder, "cache")),
            **port_variables(ports),
            **(env or {}),
        }
        command = [str(argument) for argument in (*wrapper, BERTH, "serve", "--config", CONFIG, *options, *archives)]
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                command, cwd=cwd, env=environment, stderr=log, stdout=log, start_new_session=True
            )
        try:
            yield Server(process=process, log_file=log_file, temp=temp, ports=ports)
        finally:
            end_process(process)


@contextlib.contextmanager
def running_server(
    archives: Sequence[Path],
    env: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
    ports: Mapping[str, int] | None = None,
) -> Iterator[Server]:
    """A started server that said that it is ready."""
    with started_server(archives, env, options=options, ports=ports) as server:
        server.wait_for_log("berth: ready")
        yield server
