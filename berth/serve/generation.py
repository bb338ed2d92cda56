"""One java with its models, and the watch over them: what the front leads to, and what a rollout starts beside it."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ..console import say
from ..errors import BerthError, Refused
from ..health.watch import Watch
from ..process.server_log import failure_reason, why_no_worker, why_not_registered
from ..process.server_process import ServerProcess, server_process
from ..process.start_clock import StartClock
from ..properties import format_properties
from ..settings import CONFIG_NAME, Settings
from ..wait import POLL_S, wait_until
from .drain import Drain
from .links import link_model
from .plan import LINKS, ServerPlan

TRACEBACK_S = 5.0  # a traceback comes through another thread than the line that says that the worker died
REGISTRATION_S = 2.0  # the log says why there is no model before the management API listens
GRACE_S = 15.0  # TorchServe waits without limit for its gRPC calls
ALIVE_EVERY_S = 10.0


@dataclass(slots=True, kw_only=True, eq=False)
class Generation:
    """A java that was started, in a folder of its own in the run folder."""

    plan: ServerPlan
    """Another one once it has more workers."""
    folder: Path
    torchserve: ServerProcess
    watch: Watch
    clock: StartClock
    held: contextlib.ExitStack

    @classmethod
    def start(cls, plan: ServerPlan, folder: Path, forks: subprocess.Popen[str] | None) -> Self:
        """Start java and look at its models; `forks`: the process that its workers live by."""
        _link_models(plan, folder)
        (folder / CONFIG_NAME).write_text(format_properties(plan.settings.properties), encoding="ascii")
        command, environment = plan.command(folder), plan.environment(os.environ, folder)
        with contextlib.ExitStack() as held:
            process = server_process(command, folder=folder, environment=environment, forks=forks)
            torchserve = held.enter_context(process)
            clock = StartClock(torchserve.process.pid)
            watch = Watch(plan.behind.management, plan.behind.inference, plan.models)
            watch.start()
            held.callback(watch.stop)
            return cls(plan=plan, folder=folder, torchserve=torchserve, watch=watch, clock=clock, held=held.pop_all())

    def wait_until_loaded(
        self, is_stopped: Callable[[], bool], pause: Callable[[float], object], is_open: Callable[[], bool]
    ) -> bool:
        """True once every model has predicted and `is_open`, False when a stop came first.

        Refused or BerthError when one cannot load.
        """
        started = said = time.monotonic()
        while not (is_open() and self.watch.has_started) and not is_stopped():
            self._require_loading()
            self._require_hope()
            if time.monotonic() - said > ALIVE_EVERY_S:
                said = time.monotonic()
                say(f"loading {self.plan.names} for {said - started:.0f} s")
            pause(POLL_S)
        return self.watch.has_started

    def require_running(self) -> None:
        """BerthError where java has ended, or the process that its workers live by."""
        if self.torchserve.has_ended:
            raise BerthError(self.torchserve.end)

    def drain(self, also: Settings) -> Callable[[], bool]:
        """Return what looks whether nobody waits any more whom TorchServe may still answer.

        `also`: with addresses where what is on its way counts too.
        """
        drain = Drain(self.plan.behind, self.plan.models, also=also)
        return lambda: self.torchserve.has_ended or drain.is_over()

    def ask_to_end(self) -> None:
        """Ask java to stop, and look at its models no more."""
        self.watch.stop()
        self.torchserve.terminate()

    def end(self, pause: Callable[[float], object], is_forced: Callable[[], bool] = lambda: False) -> bool:
        """Ask java to stop, and kill what is left of it after GRACE_S seconds; whether it ended by itself.

        Its folder is removed.
        """
        self.ask_to_end()
        wait_until(lambda: self.torchserve.has_ended or is_forced(), GRACE_S, pause)
        has_ended = self.torchserve.has_ended
        self.held.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        return has_ended

    def _require_loading(self) -> None:
        log = self.torchserve.log
        if log.has_load_failure:
            wait_until(lambda: failure_reason(log.lines) is not None, TRACEBACK_S)
            reason = failure_reason(log.lines) or why_no_worker(log.lines)
            raise Refused(f"{self.plan.names} could not be loaded: {reason}")
        self.require_running()

    def _require_hope(self) -> None:
        """Raise for what no patience helps: a model that TorchServe did not take, or that does not give its answer."""
        if self.watch.failure:
            raise Refused(self.watch.failure)
        if self.watch.unknown:
            raise self._not_registered(self.watch.unknown)
        if self.watch.why_never_ready:
            raise BerthError(f"{self.watch.why_never_ready}; its log is above, and a new start may help")

    def _not_registered(self, path: str) -> Refused:
        lines = self.torchserve.log
        link, model = next((link, model) for link, model in self.plan.links.items() if model.path == path)
        wait_until(lambda: why_not_registered(lines.lines, link) is not None, REGISTRATION_S)
        reason = why_not_registered(lines.lines, link) or "its log is above"
        return Refused(
            f"TorchServe did not take the model {model.name} from {model.folder}: {reason}; its Java must be able to "
            "read that folder: unset JAVA_HOME if it names a Java that is confined, or set XDG_CACHE_HOME to another "
            "folder for the cache"
        )


def _link_models(plan: ServerPlan, folder: Path) -> None:
    (folder / LINKS).mkdir(parents=True)
    for link, model in plan.links.items():
        workers = plan.workers_of(model)
        link_model(model, folder / LINKS / link, plan.split, workers if workers < plan.num_workers else None)
