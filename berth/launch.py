"""A server's life: preflight, one java, ready after a real prediction, and an orderly end."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .budget import Served, Server
from .capacity import describe_server, read_limits, read_served
from .drain import Drain
from .errors import BerthError, Refused
from .fitting import Fitted, fit
from .gpu import count_gpus, describe_device
from .health import HealthServer
from .java import find_java
from .machine import format_bytes
from .plan import Plan
from .preflight import ServedModel, prepare_models, require_free_ports
from .server_log import failure_reason
from .server_process import ServerProcess, server_process
from .settings import Endpoint, Settings, find_config
from .signals import StopSignals
from .start_clock import StartClock, StartSplit
from .unpack import cache_folder
from .wait import wait_until
from .watch import LOOK_S, Watch

FORCED_EXIT_CODE = 130  # 128 + SIGINT, as a shell counts it
GRACE_S = 15.0  # TorchServe waits without limit for its gRPC calls
LOST_DRAIN_S = 10.0  # for the requests of models and workers that are well
TRACEBACK_S = 5.0  # a traceback comes through another thread than the line that says that the worker died
ALIVE_EVERY_S = 10.0


def prepare(
    archives: Sequence[Path], config: Path | None, memory: str | None, drain_s: float, not_forked: str | None
) -> Plan:
    """Check all that can be checked without Java, and say what was decided; `not_forked`: why workers are not."""
    path = find_config(config)
    _say(f"settings from {path}")
    settings = Settings.load(path, os.environ)
    with ThreadPoolExecutor(max_workers=1) as other:  # beside a GPU torch is asked, in a process that takes seconds
        counted = other.submit(count_gpus, os.environ)
        models = prepare_models(archives or settings.archives)
    num_gpus = counted.result()
    _say(f"device: {describe_device(num_gpus, os.environ)}")
    if not_forked:
        _say(f"each worker imports for itself, none is forked: {not_forked}")
    served = read_served([model.folder for model in models], settings.workers_on(num_gpus), cache_folder())
    fitted = _fit(served, describe_server(settings, num_gpus, is_forked=not not_forked), memory)
    require_free_ports(settings.endpoints)
    java = find_java(os.environ, _say)
    _say(
        "TorchServe's tokens are off: they cannot be preset or shared between replicas; "
        "the guard is that the management API listens on loopback only"
    )
    return Plan(
        settings=settings,
        models=models,
        java=java,
        fitted=fitted,
        num_gpus=num_gpus,
        is_forked=not not_forked,
        drain_s=drain_s,
    )


def _fit(served: Sequence[Served], server: Server, memory: str | None) -> Fitted:
    """Refused where memory is too small for them."""
    limits = read_limits(memory, server.num_gpus, os.environ)
    fitted = fit(served, server, limits)
    needed, granted = format_bytes(fitted.budget.total_bytes), format_bytes(limits.memory.bytes)
    _say(f"memory: at most {needed} of the {granted} that {limits.memory.source} grants")
    return fitted


def run(
    plan: Plan, folder: Path, signals: StopSignals, health: HealthServer, forks: subprocess.Popen[str] | None
) -> int:
    """One server's life; `forks`: the process that its workers live by."""
    command, environment = plan.command(folder), plan.environment(os.environ, folder)
    with (
        server_process(command, folder=folder, environment=environment, forks=forks) as server,
        health.serving(),
    ):
        started = StartClock(server.process.pid)
        watch = Watch(plan.settings.management, plan.settings.inference, plan.models)
        watch.start()
        health.ask = watch.health
        health.capacity = {"management": plan.settings.management.url, **plan.fitted.capacity()}
        if _wait_until_loaded(server, plan, watch, signals):
            _announce(plan, started.split())
        while not signals.requested:
            _require_running(server)
            if watch.lost:
                break
            signals.wait(LOOK_S)  # a signal or the end of java wakes it
        health.is_stopping = True
        watch.stop()
        if watch.lost and not signals.requested:
            _drain(server, plan, signals, min(plan.drain_s, LOST_DRAIN_S))
            raise BerthError(f"{watch.lost}; berth ends so that whatever supervises it starts a new one")
        _say(f"stopping: what was accepted is answered first, for up to {plan.drain_s:g} s (Ctrl-C again forces)")
        _drain(server, plan, signals, plan.drain_s)
        return _wind_down(server, signals)


def _wait_until_loaded(server: ServerProcess, plan: Plan, watch: Watch, signals: StopSignals) -> bool:
    """True once every model has predicted, False when a stop came first; Refused when one cannot load."""
    started = said = time.monotonic()
    while not watch.has_started and not signals.requested:
        _require_loading(server, plan)
        if watch.failure:
            raise Refused(watch.failure)
        if time.monotonic() - said > ALIVE_EVERY_S:
            said = time.monotonic()
            _say(f"loading {plan.names} for {said - started:.0f} s")
        signals.wait(0.1)
    return watch.has_started


def _require_loading(server: ServerProcess, plan: Plan) -> None:
    if server.log.has_load_failure:
        wait_until(lambda: failure_reason(server.log.lines) is not None, TRACEBACK_S)
        reason = failure_reason(server.log.lines) or "its worker ended without a traceback (out of memory, or too slow)"
        raise Refused(f"{plan.names} could not be loaded: {reason}")
    _require_running(server)


def _require_running(server: ServerProcess) -> None:
    if server.has_ended:
        raise BerthError(server.end)


def _announce(plan: Plan, split: StartSplit) -> None:
    inference = plan.settings.inference
    _say(str(split))
    _say(f"ready: {plan.names} at {inference.url}, workers per model: {plan.num_workers}. Ctrl-C stops. Try:")
    for model in plan.models:
        _say(curl_line(inference, model))


def curl_line(inference: Endpoint, model: ServedModel) -> str:
    """A command to try."""
    return (
        f"curl {model.predictions_url(inference)} "
        """-H 'content-type: application/json' -d '{"inputs": "hello world"}'"""
    )


def _drain(server: ServerProcess, plan: Plan, signals: StopSignals, limit_s: float) -> None:
    """Until nobody waits for an answer, or for `limit_s` seconds."""
    drain = Drain(plan.settings, plan.models)
    if not wait_until(lambda: signals.forced or server.has_ended or drain.is_over(), limit_s, signals.wait):
        _say(f"after {limit_s:g} s requests are still running or coming: they are cut off")
    _require_running(server)


def _wind_down(server: ServerProcess, signals: StopSignals) -> int:
    server.terminate()
    ended = wait_until(lambda: server.has_ended or signals.forced, GRACE_S, signals.wait)
    if signals.forced:
        return FORCED_EXIT_CODE
    if not ended:
        raise BerthError(f"TorchServe did not stop within {GRACE_S:.0f} s and was killed")
    _say("stopped")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"berth: {line}\n")
