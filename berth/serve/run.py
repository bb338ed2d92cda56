"""A server's life: ready after a real prediction, looked after, and an orderly end."""

import shlex
import time

from ..archive.served_model import ServedModel
from ..archive.versions import default_models
from ..clients.addresses import INFERENCE_URL, URL_VARIABLE
from ..console import say
from ..errors import INTERRUPTED, BerthError
from ..health.watch import LOOK_S
from ..process.signals import StopSignals
from ..process.start_clock import StartSplit
from ..wait import wait_until
from .generation import GRACE_S
from .plan import ServerPlan
from .rollout.changing import Asked, changing
from .server import Server

START_DRAIN_S = 5.0  # before it is ready, nobody was told to send it requests
FRONT_S = 1.0  # at least, for the front to close its clients' connections
LOST_DRAIN_S = 10.0  # for the requests of models and workers that are well


def run_server(server: Server, signals: StopSignals, asked: Asked) -> int:
    """Live a server's life and return the exit code; `asked`: what was to be served, and was live before."""
    server.publish()
    first = server.live
    drain_s = min(first.plan.drain_s, START_DRAIN_S)
    if first.wait_until_loaded(lambda: signals.requested, signals.wait, lambda: server.is_open):
        drain_s = first.plan.drain_s
        _announce(first.plan, first.clock.split())
        with changing(server, asked, lambda: signals.forced):
            _wait_for_the_end(server, signals)
    else:
        _wait_for_the_end(server, signals)
    if (lost := server.live.watch.lost) and not signals.requested:
        _drain(server, signals, min(drain_s, LOST_DRAIN_S))
        raise BerthError(f"{lost}; berth ends so that whatever supervises it starts a new one")
    say(f"stopping: what was accepted is answered first, for up to {drain_s:g} s (Ctrl-C again forces)")
    _drain(server, signals, drain_s)
    return _wind_down(server, signals)


def _wait_for_the_end(server: Server, signals: StopSignals) -> None:
    """Return when somebody asks for a stop, or nothing but a new server helps; BerthError when it ends by itself.

    Then everybody is told that it ends, before an order that goes on is called off.
    """
    try:
        while not signals.requested and not _is_lost(server):
            server.look()
            signals.wait(LOOK_S)  # a signal or the end of java wakes it
    finally:
        server.stop()


def _is_lost(server: Server) -> bool:
    """Whether nothing but a new server helps; a change of what is live sees to that itself."""
    if server.is_changing:
        return False
    server.live.require_running()
    return server.live.watch.lost is not None


def _announce(plan: ServerPlan, split: StartSplit) -> None:
    inference = plan.settings.inference
    say(str(split))
    if plan.front:
        say(f"a page to try the models: {inference.url}/ui")
    if inference.url != INFERENCE_URL:
        say(f"for `berth predict` and the other commands: export {URL_VARIABLE}={inference.url}")
    say(f"ready: {plan.names} at {inference.url}, workers per model: {plan.num_workers}. Ctrl-C stops. Try:")
    defaults, has_keys = default_models(plan.models), plan.front is not None and plan.front.keys is not None
    for model in plan.models:
        address = f"{inference.url}/predictions/{model.name if model in defaults else model.path}"
        say(curl_line(address, model, has_keys=has_keys))


def curl_line(address: str, model: ServedModel, *, has_keys: bool = False) -> str:
    """Return a command to try, which the model answers; a certificate is rarely one of the name 127.0.0.1."""
    body = shlex.quote(model.known_request())
    key = ' -H "authorization: Bearer $BERTH_API_KEY"' if has_keys else ""
    insecure = " --insecure" if address.startswith("https:") else ""
    return f"curl{insecure} {address}{key} -H 'content-type: application/json' -d {body}"


def _drain(server: Server, signals: StopSignals, limit_s: float) -> None:
    """Wait until nobody waits for an answer, for `limit_s` seconds at the most."""
    end_s = time.monotonic() + limit_s
    is_over = _wait_until_quiet(server, signals, limit_s)
    if server.fronts:  # requests may have come meanwhile
        server.fronts.live.close()
        left_s = max(end_s - time.monotonic(), FRONT_S)
        is_over = _wait_until_quiet(server, signals, left_s)
    if not is_over:
        say(f"after {limit_s:g} s requests are still running or coming: they are cut off")
    server.live.require_running()


def _wait_until_quiet(server: Server, signals: StopSignals, limit_s: float) -> bool:
    """Whether nobody waits any more whom TorchServe may still answer, or the front has no clients left."""
    drains = [generation.drain(generation.plan.settings) for generation in server.generations]

    def is_over() -> bool:
        is_left = server.fronts is not None and server.fronts.has_ended
        quiet = [is_quiet() for is_quiet in drains]  # each is looked at, whatever the others are
        return is_left or signals.forced or all(quiet)

    return wait_until(is_over, limit_s, signals.wait)


def _wind_down(server: Server, signals: StopSignals) -> int:
    for generation in server.generations:
        generation.ask_to_end()
    ended = [generation.end(signals.wait, lambda: signals.forced) for generation in server.generations]
    if signals.forced:
        return INTERRUPTED
    if not all(ended):
        raise BerthError(f"TorchServe did not stop within {GRACE_S:.0f} s and was killed")
    say("stopped")
    return 0
