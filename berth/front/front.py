"""A server's front while it lives: HAProxy and the gateway, looked after, and ended once they have answered."""

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..errors import BerthError
from ..gateway.settings import GatewaySettings
from ..process.kept import KeptProcess
from ..process.log_style import LogStyle
from ..wait import wait_until
from .config import GATEWAY_GRPC, GATEWAY_HTTP, INSIDE, RUNTIME, render_config
from .plan import SERVER, Backend, FrontPlan
from .refusals import GRPC_REFUSALS
from .reloaded import ReloadedFile, reloaded_files
from .reports.access_log import forwarded
from .reports.counters import Counters, read_counters, read_under_way
from .reports.metrics import render_metrics
from .runtime import ask, limit_server

CONFIG = "haproxy.cfg"
FIRST = "first.cfg"
"""The configuration that it is started with first: TorchServe's queue may be shared with a front that goes."""
LIVE_S = 3.0  # the gateway joins large answers meanwhile; below the 4 s of a probe
CHECK_S = 20.0
START_S = 20.0  # it takes 0.05 s; a busy machine takes longer
GATEWAY_GRACE_S = 5.0  # the front's clients were answered before


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """A running front."""

    haproxy: KeptProcess
    gateway: KeptProcess
    files: Sequence[ReloadedFile]
    runtime: Path
    """The socket where HAProxy says how it is."""
    backends: Sequence[Backend]

    def require_running(self) -> None:
        """BerthError where one has ended, which at a start means that it never runs."""
        for process in (self.haproxy, self.gateway):
            if process.has_ended:
                raise BerthError(f"{process.name} ended at its start; its log is above")

    def look(self) -> None:
        """Start again what has ended, and take up keys and certificates that have changed."""
        for process in (self.haproxy, self.gateway):
            process.look()
        for file in self.files:
            file.look()

    @property
    def why_not_ready(self) -> str | None:
        """Why clients do not reach the models; None where they do."""
        return self.haproxy.why_not_ready or self.gateway.why_not_ready

    def metrics(self) -> str:
        """Write the front's numbers as Prometheus reads them; BerthError where it does not answer."""
        return render_metrics(partial(ask, self.runtime), self.backends)

    def counters(self, backend: str) -> Counters:
        """What was counted of a backend since this front's start; BerthError where it does not answer."""
        return read_counters(partial(ask, self.runtime), backend)

    def limit(self, requests: int) -> None:
        """Let TorchServe have so many requests of each model at once; BerthError where HAProxy does not answer."""
        for backend in self.backends:
            limit_server(self.runtime, f"{backend.name}/{SERVER}", requests)

    @property
    def under_way(self) -> int:
        """Requests that TorchServe has of the model of which it has most; BerthError as `limit`."""
        return read_under_way(partial(ask, self.runtime), {backend.name for backend in self.backends})

    def close(self) -> None:
        """Take no more connections, and end once all requests are answered."""
        self.haproxy.send(signal.SIGUSR1)

    @property
    def is_closed(self) -> bool:
        """Whether it takes no more connections."""
        try:
            return self.has_ended or "Stopping: 1" in ask(self.runtime, "show info")
        except BerthError:  # its runtime API goes with its other addresses
            return True

    @property
    def has_ended(self) -> bool:
        """Whether nobody is connected any more."""
        return self.haproxy.has_ended


@contextlib.contextmanager
def running_front(
    plan: FrontPlan, folder: Path, environ: Mapping[str, str] = os.environ, *, heir_of: Path | None = None
) -> Iterator[Front]:
    """Write the configuration into the folder and start both; BerthError where HAProxy does not start with it.

    They run in the folder above it, whose own path may have spaces, quotes and #, and know their files by the name of
    this one: HAProxy would take a socket of the same name for the inherited one.

    `heir_of`: the runtime socket of a front whose open addresses it takes over, so that no client finds them closed.
    """
    files = tuple(reloaded_files(plan, folder))
    for file in files:
        file.write()
    has_access_log = LogStyle.read(environ).has_access_log
    for name, each in ((FIRST, plan), (CONFIG, replace(plan, max_at_start=None))):
        text = render_config(each, Path(folder.name), has_access_log=has_access_log)
        (folder / name).write_text(text, encoding="utf-8")
    _require_valid(plan.executable, folder)
    with forwarded() as output:
        command = [str(plan.executable), "-db", "-f"]
        haproxy = KeptProcess(
            name="the front (haproxy)",
            command=[*command, f"{folder.name}/{FIRST}", *(("-x", str(heir_of)) if heir_of else ())],
            folder=folder.parent,
            environment=environ,
            is_serving=lambda: _answers(folder / RUNTIME),
            output=output,
            sockets=(folder / RUNTIME, folder / INSIDE),
        )
        gateway = _gateway(plan, folder, environ)
        with gateway.running():
            if heir_of:  # its clients come at once, and some need the gateway
                _wait_for(gateway)
            with haproxy.running():
                _wait_for(haproxy)
                haproxy.command = [*command, f"{folder.name}/{CONFIG}"]  # with nobody to inherit from, or to share with
                yield Front(
                    haproxy=haproxy, gateway=gateway, files=files, runtime=folder / RUNTIME, backends=plan.backends
                )


def _wait_for(process: KeptProcess) -> None:
    """Return once it serves; BerthError where it does not."""
    if not wait_until(lambda: process.has_ended or process.why_not_ready is None, START_S):
        raise BerthError(f"{process.name} does not answer {START_S:g} s after its start; its log is above")
    if process.has_ended:
        raise BerthError(f"{process.name} ended at its start; its log is above")


def _gateway(plan: FrontPlan, folder: Path, environ: Mapping[str, str]) -> KeptProcess:
    return KeptProcess(
        name="the gateway",
        command=gateway_settings(plan, Path(folder.name)).command,
        folder=folder.parent,
        environment=environ,
        is_serving=lambda: _is_live(folder / GATEWAY_HTTP),
        sockets=(folder / GATEWAY_HTTP, folder / GATEWAY_GRPC),
    )


def gateway_settings(plan: FrontPlan, folder: Path) -> GatewaySettings:
    """What the gateway is told."""
    return GatewaySettings(
        http=str(folder / GATEWAY_HTTP),
        grpc=str(folder / GATEWAY_GRPC),
        server=f"unix:{folder / INSIDE}",
        behind=plan.behind.inference.url,
        health=plan.health.url,
        management=plan.behind.management.url,
        metrics=plan.behind.metrics.url,
        models=plan.versions,
        contents={model.path: model.content_id for model in plan.models},
        max_request_bytes=plan.outside.max_request_bytes,
        refusals=GRPC_REFUSALS,
        grace_s=GATEWAY_GRACE_S,
    )


def _is_live(path: Path) -> bool:
    """Whether the gateway answers there: to a process that hangs one can still connect."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(LIVE_S)
            connection.connect(str(path))
            connection.sendall(b"GET /v2/health/live HTTP/1.0\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


def _answers(runtime: Path) -> bool:
    try:
        return "Uptime_sec" in ask(runtime, "show info")
    except BerthError:
        return False


def _require_valid(executable: Path, folder: Path) -> None:
    command = [str(executable), "-c", "-f", f"{folder.name}/{CONFIG}"]
    checked = subprocess.run(command, cwd=folder.parent, capture_output=True, text=True, timeout=CHECK_S, check=False)
    if checked.returncode:
        alerts = " ".join(line for line in checked.stderr.splitlines() if "ALERT" in line)
        raise BerthError(f"haproxy refuses berth's configuration: {alerts}")
