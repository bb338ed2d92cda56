"""A server's life: one java, ready after a real prediction, and an orderly end."""

import os
import shlex
import subprocess
import time
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..archive.served_model import ServedModel
from ..console import say
from ..endpoint import Endpoint
from ..errors import BerthError, Refused
from ..front.front import Front, running_front
from ..health.report import STOPPING, Health, Report
from ..health.server import HealthServer
from ..health.watch import LOOK_S, Watch
from ..process.server_log import failure_reason, why_no_worker, why_not_registered
from ..process.server_process import ServerProcess, server_process
from ..process.signals import StopSignals
from ..process.start_clock import StartClock, StartSplit
from ..wait import POLL_S, wait_until
from .drain import Drain
from .links import link_model
from .plan import LINKS, ServerPlan

FORCED_EXIT_CODE = 130  # 128 + SIGINT, as a shell counts it
GRACE_S = 15.0  # TorchServe waits without limit for its gRPC calls
START_DRAIN_S = 5.0  # before it is ready, nobody was told to send it requests
FRONT_S = 1.0  # at least, for the front to close its clients' connections
LOST_DRAIN_S = 10.0  # for the requests of models and workers that are well
TRACEBACK_S = 5.0  # a traceback comes through another thread than the line that says that the worker died
REGISTRATION_S = 2.0  # the log says why there is no model before the management API listens
ALIVE_EVERY_S = 10.0


def run_server(
    plan: ServerPlan, folder: Path, signals: StopSignals, health: HealthServer, forks: subprocess.Popen[str] | None
) -> int:
    """Live one server's life and return the exit code; `forks`: the process that its workers live by."""
    _link_models(plan, folder)
    command, environment = plan.command(folder), plan.environment(os.environ, folder)
    with (
        server_process(command, folder=folder, environment=environment, forks=forks) as torchserve,
        health.serving(),
        running_front(plan.front, folder) if plan.front else nullcontext() as front,
    ):
        started = StartClock(torchserve.process.pid)
        watch = Watch(plan.behind.management, plan.behind.inference, plan.models)
        watch.start()
        report = Report(
            health=partial(_health, watch, front), capacity=plan.capacity, metrics=front.metrics if front else None
        )
        health.publish(report)
        drain_s = min(plan.drain_s, START_DRAIN_S)
        if _wait_until_loaded(torchserve, front, plan, watch, signals):
            drain_s = plan.drain_s
            _announce(plan, started.split())
        _wait_for_the_end(torchserve, front, watch, signals)
        health.publish(replace(report, health=lambda: STOPPING))
        watch.stop()
        if watch.lost and not signals.requested:
            _drain(torchserve, front, plan, signals, min(plan.drain_s, LOST_DRAIN_S))
            raise BerthError(f"{watch.lost}; berth ends so that whatever supervises it starts a new one")
        say(f"stopping: what was accepted is answered first, for up to {drain_s:g} s (Ctrl-C again forces)")
        _drain(torchserve, front, plan, signals, drain_s)
        return _wind_down(torchserve, signals)


def _health(watch: Watch, front: Front | None) -> Health:
    """The health of the models, which nobody reaches without the front."""
    health = watch.health()
    why_not = front.why_not_ready if front else None
    return replace(health, ready=health.ready or why_not) if why_not else health


def _link_models(plan: ServerPlan, folder: Path) -> None:
    (folder / LINKS).mkdir()
    for link, model in plan.links.items():
        link_model(model, folder / LINKS / link, plan.split)


def _wait_until_loaded(
    torchserve: ServerProcess, front: Front | None, plan: ServerPlan, watch: Watch, signals: StopSignals
) -> bool:
    """True once every model has predicted, False when a stop came first; Refused when one cannot load."""
    started = said = time.monotonic()
    while not (_is_open(front) and watch.has_started) and not signals.requested:
        _require_loading(torchserve, plan)
        if front:
            front.require_running()
        _require_hope(torchserve, plan, watch)
        if time.monotonic() - said > ALIVE_EVERY_S:
            said = time.monotonic()
            say(f"loading {plan.names} for {said - started:.0f} s")
        signals.wait(POLL_S)
    return watch.has_started


def _is_open(front: Front | None) -> bool:
    return front is None or front.why_not_ready is None


def _require_loading(torchserve: ServerProcess, plan: ServerPlan) -> None:
    log = torchserve.log
    if log.has_load_failure:
        wait_until(lambda: failure_reason(log.lines) is not None, TRACEBACK_S)
        reason = failure_reason(log.lines) or why_no_worker(log.lines)
        raise Refused(f"{plan.names} could not be loaded: {reason}")
    _require_running(torchserve)


def _require_hope(torchserve: ServerProcess, plan: ServerPlan, watch: Watch) -> None:
    """Raise for what no patience helps: a model that TorchServe did not take, or that does not give its answer."""
    if watch.failure:
        raise Refused(watch.failure)
    if watch.unknown:
        raise _not_registered(torchserve, plan, watch.unknown)
    if watch.why_never_ready:
        raise BerthError(f"{watch.why_never_ready}; its log is above, and a new start may help")


def _not_registered(torchserve: ServerProcess, plan: ServerPlan, name: str) -> Refused:
    link, folder = next((link, model.folder) for link, model in plan.links.items() if model.name == name)
    wait_until(lambda: why_not_registered(torchserve.log.lines, link) is not None, REGISTRATION_S)
    reason = why_not_registered(torchserve.log.lines, link) or "its log is above"
    return Refused(
        f"TorchServe did not take the model {name} from {folder}: {reason}; its Java must be able to read that folder: "
        "unset JAVA_HOME if it names a Java that is confined, or set XDG_CACHE_HOME to another folder for the cache"
    )


def _require_running(torchserve: ServerProcess) -> None:
    if torchserve.has_ended:
        raise BerthError(torchserve.end)


def _wait_for_the_end(torchserve: ServerProcess, front: Front | None, watch: Watch, signals: StopSignals) -> None:
    """Return when somebody asks for a stop, or nothing but a new server helps; BerthError when it ends by itself."""
    while not signals.requested:
        _require_running(torchserve)
        if watch.lost:
            break
        if front:
            front.look()
        signals.wait(LOOK_S)  # a signal or the end of java wakes it


def _announce(plan: ServerPlan, split: StartSplit) -> None:
    inference = plan.settings.inference
    say(str(split))
    say(f"ready: {plan.names} at {inference.url}, workers per model: {plan.num_workers}. Ctrl-C stops. Try:")
    for model in plan.models:
        say(curl_line(inference, model, has_keys=plan.front is not None and plan.front.keys is not None))


def curl_line(inference: Endpoint, model: ServedModel, *, has_keys: bool = False) -> str:
    """Return a command to try, which the model answers; a certificate is rarely one of the name 127.0.0.1."""
    address, body = model.predictions_url(inference), shlex.quote(model.known_request())
    key = ' -H "authorization: Bearer $BERTH_API_KEY"' if has_keys else ""
    insecure = " --insecure" if inference.scheme == "https" else ""
    return f"curl{insecure} {address}{key} -H 'content-type: application/json' -d {body}"


def _drain(
    torchserve: ServerProcess, front: Front | None, plan: ServerPlan, signals: StopSignals, limit_s: float
) -> None:
    """Wait until nobody waits for an answer, for `limit_s` seconds at the most."""
    end_s = time.monotonic() + limit_s
    is_over = _wait_until_quiet(torchserve, plan, signals, limit_s)
    if front:  # requests may have come meanwhile
        front.close()
        left_s = max(end_s - time.monotonic(), FRONT_S)
        is_over = _wait_until_quiet(torchserve, plan, signals, left_s, front)
    if not is_over:
        say(f"after {limit_s:g} s requests are still running or coming: they are cut off")
    _require_running(torchserve)


def _wait_until_quiet(
    torchserve: ServerProcess, plan: ServerPlan, signals: StopSignals, limit_s: float, front: Front | None = None
) -> bool:
    """Whether nobody waits any more whom TorchServe may still answer, or the front has no clients left."""
    drain = Drain(plan.behind, plan.models, also=plan.settings)

    def is_over() -> bool:
        is_left = front is not None and front.has_ended
        return is_left or signals.forced or torchserve.has_ended or drain.is_over()

    return wait_until(is_over, limit_s, signals.wait)


def _wind_down(torchserve: ServerProcess, signals: StopSignals) -> int:
    torchserve.terminate()
    ended = wait_until(lambda: torchserve.has_ended or signals.forced, GRACE_S, signals.wait)
    if signals.forced:
        return FORCED_EXIT_CODE
    if not ended:
        raise BerthError(f"TorchServe did not stop within {GRACE_S:.0f} s and was killed")
    say("stopped")
    return 0
