"""A real HAProxy with berth's configuration, before a server that a test brings along."""

import contextlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from berth.archive.served_model import ServedModel
from berth.endpoint import Endpoint
from berth.errors import BerthError
from berth.front.config import RUNTIME, render_config
from berth.front.plan import FrontPlan, move_behind
from berth.front.reports.runtime_tables import read_backends
from berth.front.runtime import ask
from berth.process.session import session_process
from berth.settings import Settings
from berth.tune.ports import free_ports, port_variables
from berth.wait import wait_until

from ..servers import CONFIG

WAIT_S = 60.0  # of a busy machine
NATIVE_KEYS = {"code", "type", "message", "param"}
KEYS_OF_ERRORS = {
    "/predictions/bert": NATIVE_KEYS,
    "/v1/models/bert:predict": NATIVE_KEYS,
    "/v2/models/bert/infer": {"error"},
    "/predictions/bert/1.0/v1/embeddings": {"error"},
    "/predictions/bert/1.0/embed": {"error", "error_type"},
    "/predictions/bert/1.0/v2/embed": {"message", "detail"},
}
"""The keys of what is refused at an address, whoever before the model refuses it."""
needs_haproxy = pytest.mark.skipif(shutil.which("haproxy") is None, reason="no haproxy: install Debian's package")


@dataclass(frozen=True, kw_only=True)
class Front:
    """A running HAProxy."""

    url: str
    runtime: Path
    log: Path

    def ask(self, command: str) -> str:
        """Send a command to its runtime API."""
        return ask(self.runtime, command)

    def has_started(self) -> bool:
        """Whether it answers there, as it does once it listens at all of its addresses."""
        with contextlib.suppress(BerthError):
            return "Uptime_sec" in self.ask("show info")
        return False

    def wait_until_idle(self) -> None:
        """Until nobody is connected: it counts an answer, and lets go of tables' entries, after it has sent that."""
        is_idle = re.compile(r"^CurrConns: 0$", re.MULTILINE)
        assert wait_until(lambda: bool(is_idle.search(self.ask("show info"))), WAIT_S), self.ask("show sess")

    def num_waiting(self, backend: str = "model-bert") -> int:
        """Requests that wait in it, and are not at the server yet."""
        return int(read_backends(self.ask("show stat"))[backend]["qcur"])


@contextlib.contextmanager
def front_before(
    url: str,
    folder: Path,
    *,
    max_requests: int = 128,
    names: tuple[str, ...] = ("bert",),
    has_access_log: bool = False,
) -> Iterator[Front]:
    """A front whose TorchServe is the server at `url`, which gets so many requests of a model at once."""
    ports = free_ports()
    settings = Settings.load(CONFIG, port_variables(ports))
    behind = replace(move_behind(settings), inference=Endpoint.parse("inference_address", urlsplit(url).netloc))
    plan = FrontPlan(
        executable=Path(shutil.which("haproxy") or "haproxy"),
        outside=settings,
        behind=behind,
        models=tuple(ServedModel(name=name, version="1.0", folder=folder) for name in names),
        max_requests=max_requests,
        max_connections=1000,
        threads=2,
        health=Endpoint(key="health", host="127.0.0.1", port=ports["health"]),
    )
    config, log = folder / "haproxy.cfg", folder / "haproxy.log"
    config.write_text(render_config(plan, folder, has_access_log=has_access_log))
    command = [str(plan.executable), "-db", "-f", str(config)]
    with log.open("w") as output, session_process(command, folder=folder, environment={}, output=output):
        front = Front(url=settings.inference.url, runtime=folder / RUNTIME, log=log)
        assert wait_until(front.has_started, WAIT_S), log.read_text()
        yield front
