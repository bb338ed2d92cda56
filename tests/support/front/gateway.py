"""A gateway as the launcher starts it: a process, two sockets in a folder of its own."""

import contextlib
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.server import end_process
from berth.gateway.settings import GatewaySettings
from berth.wait import wait_until

READY_S = 60.0  # of a busy machine
MAX_REQUEST_BYTES = 2**20  # config.properties
NOBODY = "http://127.0.0.1:9"  # who tells no page how the models are


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """A gateway that accepts."""

    process: subprocess.Popen[bytes]
    settings: GatewaySettings
    log_file: Path

    @property
    def grpc_target(self) -> str:
        return f"unix:{self.settings.grpc}"

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")


@contextlib.contextmanager
def running_gateway(server: str, health: str, models: Mapping[str, list[str]]) -> Iterator[Gateway]:
    """`python -m berth.gateway` before a server; it has said nothing when it is ended."""
    with tempfile.TemporaryDirectory(prefix="bg-", ignore_cleanup_errors=True) as folder:
        settings = make_settings(Path(folder), server, health, models)
        log_file = Path(folder, "log")
        with log_file.open("wb") as log:
            process = subprocess.Popen(settings.command, stdout=log, stderr=log)
        gateway = Gateway(process=process, settings=settings, log_file=log_file)
        try:
            assert wait_until(lambda: accepts(settings.http) or process.poll() is not None, READY_S), gateway.log
            assert process.poll() is None, gateway.log
            yield gateway
        finally:
            end_process(process)
        assert (process.returncode, gateway.log) == (0, "")


def make_settings(folder: Path, server: str, health: str, models: Mapping[str, list[str]]) -> GatewaySettings:
    """Sockets in a folder, and all else as the launcher says it."""
    return GatewaySettings(
        http=str(folder / "http.sock"),
        grpc=str(folder / "grpc.sock"),
        server=server,
        health=health,
        management=NOBODY,
        metrics=NOBODY,
        models=dict(models),
        max_request_bytes=MAX_REQUEST_BYTES,
        grace_s=10.0,
    )


def accepts(path: str) -> bool:
    """Whether somebody listens on a unix socket."""
    with socket.socket(socket.AF_UNIX) as asking:
        return asking.connect_ex(path) == 0
