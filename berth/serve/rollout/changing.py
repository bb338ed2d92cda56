"""While a server runs: orders are taken at a socket, where there is a front that can lead clients elsewhere."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...console import say
from ...rollout.state import State
from ..request import Request
from ..server import Server
from .folder import WatchedFolder
from .orders import SOCKET, Orders, taking_orders
from .rollouts import Rollouts

NO_FRONT = (
    "a rollout needs the front, which leads clients from one version to the other: install haproxy 2.6 or newer "
    "(apt-get install haproxy) and start `berth serve` again"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a server was started with."""

    request: Request
    """With the archives that are served."""
    state: State
    watched: Path | None = None
    """The folder whose new archives are served; None: no folder is watched."""


@contextlib.contextmanager
def changing(server: Server, asked: Asked) -> Iterator[None]:
    """Take orders until the end of the block."""
    server.no_orders = "" if server.fronts else NO_FRONT
    if server.fronts is None:
        server.publish()
        yield
        return
    rollouts = Rollouts(server=server, request=asked.request, state=asked.state)
    orders, path = Orders(rollouts.carry_out), server.folder / SOCKET
    with taking_orders(orders, path), _following(asked.watched, orders):
        server.orders = str(path)
        server.publish()
        yield


@contextlib.contextmanager
def _following(folder: Path | None, orders: Orders) -> Iterator[None]:
    ended = threading.Event()
    if folder:
        watched = WatchedFolder(folder=folder)
        threading.Thread(target=watched.follow, args=[orders, ended], name="watch-folder", daemon=True).start()
        say(f"archives that appear in {folder} are rolled out; those that lie there now are not")
    try:
        yield
    finally:
        ended.set()
