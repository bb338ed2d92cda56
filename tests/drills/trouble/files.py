"""File descriptors used up: of the front, of java, of the launcher, of the worker; and given back."""

import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.support.servers import Server, running_server, started_server

from ..clients import LOST, RIGHT, WRONG, Asker, Tally
from ..front import haproxy
from ..served.models import pack_sample
from ..table import table, verdict
from .counted import HEADER, asker_of, require_ready, row, sum_of, under_load

USED_UP_S = 20.0  # longer than the watch may be silent
NUM_MORE = 64  # clients that connect meanwhile
SPARE = 1
NO_FRONT = "the front is killed, and the launcher"
FEW = 64  # for a server that is to start


def run(folder: Path) -> Iterator[str]:
    archive = pack_sample(folder)
    with running_server([archive]) as server:
        asker, tallies = asker_of(server), {}
        for what, pid in pids_of(server).items():
            tallies[what] = use_up(server, asker, pid)
        tallies[NO_FRONT] = use_up(server, asker, server.process.pid, haproxy(server).kill)
        is_right = asker.ask() == RIGHT
    yield from table(HEADER, [row(f"{what} has none left", tally) for what, tally in tallies.items()])
    lost = sum_of(LOST, *(tally for what, tally in tallies.items() if what != NO_FRONT))
    yield verdict(not lost + sum_of(WRONG, *tallies.values()), "none wrong, none lost but by the killed front")
    yield verdict(is_right, "whole again once there are some")
    with started_server([archive], wrapper=("/bin/sh", "-c", f'ulimit -n {FEW} && exec "$0" "$@"')) as server:
        code, line = server.wait_for_end(), server.log.splitlines()[-1]
    yield verdict(code != 0 and "file" in line.lower(), f"a start with {FEW}: exit code {code}, {line}")


def pids_of(server: Server) -> dict[str, int]:
    return {
        "the front": haproxy(server).pid,
        "java": server.java.pid,
        "the launcher": server.process.pid,
        "the worker": server.worker_pids()[0],
    }


def use_up(server: Server, asker: Asker, pid: int, trouble: Callable[[], object] = int) -> Tally:
    with under_load(asker) as tally, ExitStack() as held:
        with none_left(pid):
            trouble()
            for _ in range(NUM_MORE):
                with suppress(OSError):
                    held.enter_context(socket.create_connection(("127.0.0.1", server.ports["inference"]), timeout=1))
            time.sleep(USED_UP_S)
        require_ready(server)
    return tally


@contextmanager
def none_left(pid: int) -> Iterator[None]:
    """The process may open no more than it has open, and SPARE."""
    former = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    highest = max(int(file.name) for file in Path(f"/proc/{pid}/fd").iterdir())
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (min(highest + 1 + SPARE, former[1]), former[1]))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, former)
