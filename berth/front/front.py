"""A server's front while it lives: HAProxy started, looked after, and ended once it has answered."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import BerthError
from ..process.kept import KeptProcess
from ..wait import wait_until
from .config import RUNTIME, render_config
from .plan import FrontPlan
from .runtime import ask

CONFIG = "haproxy.cfg"
CHECK_S = 20.0
START_S = 20.0  # it takes 0.05 s; a busy machine takes longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """A running front."""

    haproxy: KeptProcess

    def look(self) -> None:
        """Start again what has ended."""
        self.haproxy.look()

    @property
    def why_not_ready(self) -> str | None:
        """Why clients do not reach the models; None where they do."""
        return self.haproxy.why_not_ready

    def finish(self, limit_s: float, wait: Callable[[float], object] = time.sleep) -> bool:
        """Take no more requests and answer those that were taken; whether it did within `limit_s` seconds."""
        return self.haproxy.finish(signal.SIGUSR1, limit_s, wait)


@contextlib.contextmanager
def running_front(plan: FrontPlan, folder: Path, environ: Mapping[str, str] = os.environ) -> Iterator[Front]:
    """Write the configuration into the run folder and start HAProxy; BerthError where it refuses the configuration."""
    config = folder / CONFIG
    config.write_text(render_config(plan, folder), encoding="utf-8")
    _require_valid(plan.executable, config)
    haproxy = KeptProcess(
        name="the front (haproxy)",
        command=[str(plan.executable), "-db", "-f", str(config)],
        folder=folder,
        environment=environ,
        is_serving=lambda: _answers(folder / RUNTIME),
    )
    with haproxy.running():
        if not wait_until(lambda: haproxy.why_not_ready is None, START_S):
            raise BerthError(f"haproxy does not answer {START_S:g} s after its start; its log is above")
        yield Front(haproxy=haproxy)


def _answers(runtime: Path) -> bool:
    try:
        return "Uptime_sec" in ask(runtime, "show info")
    except BerthError:
        return False


def _require_valid(executable: Path, config: Path) -> None:
    command = [str(executable), "-c", "-f", str(config)]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=CHECK_S, check=False)
    if checked.returncode:
        alerts = " ".join(line for line in checked.stderr.splitlines() if "ALERT" in line)
        raise BerthError(f"haproxy refuses berth's configuration: {alerts}")
