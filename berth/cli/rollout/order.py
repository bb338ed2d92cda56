"""An order to the launcher on this machine: where it listens, and what it says, shown line by line."""

import json
import os
from pathlib import Path

import msgspec

from ...clients.launcher import HEALTH_VARIABLE, fetch_capacity, health_endpoint
from ...errors import BerthError, Refused, ServerUnreachable
from ...rollout.messages import Event, Order, give_order

STEP_WIDTH = 10


def carry_out(order: Order, *, as_json: bool) -> int:
    """Give an order and print each event, a line of text or of JSON; the exit code is that of the last."""
    for event in give_order(find_launcher(), order):
        print(render_event(event, as_json=as_json), flush=True)
        if event.exit_code is not None:
            return event.exit_code
    return BerthError.exit_code


def find_launcher() -> Path:
    """Find the socket of this machine's launcher; ServerUnreachable or Refused says why there is none."""
    capacity = fetch_capacity(os.environ)
    if capacity is None:
        url = health_endpoint(os.environ).url
        raise ServerUnreachable(
            f"no launcher answers at {url}; run this where the server runs (`kubectl exec`), or set {HEALTH_VARIABLE} "
            "to its health address"
        )
    if not capacity.orders:
        raise Refused(f"the server at {capacity.inference} takes no orders: {capacity.no_orders}")
    return Path(capacity.orders)


def render_event(event: Event, *, as_json: bool) -> str:
    """One step, for people or for programs."""
    if as_json:
        return json.dumps(msgspec.to_builtins(event))
    return f"{event.step:<{STEP_WIDTH}} {event.text}"
