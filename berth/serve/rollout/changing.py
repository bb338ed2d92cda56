"""While a server runs: orders are taken at a socket, where there is a front that can lead clients elsewhere."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...console import say
from ...process.threads import start_thread
from ...rollout.state import State
from ..access import Wish
from ..request import Request, read_request, require_archives
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
    watched: WatchedFolder | None = None
    """The folder whose new archives are served; None: no folder is watched."""


def read_asked(archives: Sequence[Path], config: Path | None, memory: str | None, wish: Wish) -> Asked:
    """Check what is asked for, as `read_request` does, and what is served for it: what was live last."""
    request = read_request(archives, config, memory, wish)
    state = State.read(request.archives)
    watched = WatchedFolder(folder=wish.watched) if wish.watched else None
    request = replace(request, archives=state.archives())
    require_archives(request.archives)
    return Asked(request=request, state=state, watched=watched)


@contextlib.contextmanager
def changing(server: Server, asked: Asked, is_forced: Callable[[], bool]) -> Iterator[None]:
    """Take orders until the end of the block, where one that goes on is called off, and waited for unless forced."""
    server.no_orders = "" if server.fronts else NO_FRONT
    if server.fronts is None:
        server.publish()
        yield
        return
    rollouts = Rollouts(server=server, request=asked.request, state=asked.state)
    rollouts.hold_folders()
    orders, path = Orders(rollouts.carry_out), server.folder / SOCKET
    with taking_orders(orders, path, is_forced), _following(asked.watched, orders):
        server.orders = str(path)
        server.publish()
        yield


@contextlib.contextmanager
def _following(watched: WatchedFolder | None, orders: Orders) -> Iterator[None]:
    ended = threading.Event()
    if watched:
        start_thread("watch-folder", watched.follow, orders, ended)
        say(f"archives that appear in {watched.folder} are rolled out; those that lay there at the start are not")
    try:
        yield
    finally:
        ended.set()
