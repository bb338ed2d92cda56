"""A worker that hangs, dies in a loop, answers wrongly or is a zombie; and one that is only busy."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support.faults import ask, make_zombie, num_queued
from tests.support.servers import Server, running_server
from tests.support.standin import FAULTY, make_standin

from .clients import Asker, Tally, asking
from .served.models import pack_sample
from .starts import is_ready
from .table import table, verdict

NOTICED_S = 10.0
BUSY_S = 30.0
NUM_CLIENTS = 128 + 64  # a full queue and a full batch
REPAIRED_S = 300.0


def run(folder: Path) -> Iterator[str]:
    standin = make_standin(folder / "standin", FAULTY)
    sample = pack_sample(folder)
    rows = [
        ("hangs (SIGSTOP)", *suffer(sample, hang)),
        ("dies in a loop", *suffer(standin, lambda server: ask(server, "loop"))),
        ("answers wrongly", *suffer(standin, lambda server: ask(server, "wrong"), is_repaired=False)),
        ("is a zombie", *suffer(standin, make_zombie)),
    ]
    yield from table(("a worker", "not ready after s", "then"), [(name, f"{s:.1f}", end) for name, s, end in rows])
    yield verdict(all(noticed_s < NOTICED_S for _, noticed_s, _ in rows), f"not ready within {NOTICED_S:.0f} s")
    share = busy(sample)
    yield verdict(
        share == 1.0, f"ready under a full queue of long requests: {share:.1%} of the looks in {BUSY_S:.0f} s"
    )


def hang(server: Server) -> None:
    os.kill(server.worker_pids()[0], signal.SIGSTOP)


def suffer(archive: Path, fault: Callable[[Server], object], *, is_repaired: bool = True) -> tuple[float, str]:
    """After how many seconds /ready says no, and what became of the server."""
    with running_server([archive]) as server:
        fault(server)
        began_s = time.monotonic()
        server.require(lambda: not is_ready(server), 60.0, "not ready")
        noticed_s = time.monotonic() - began_s
        if not is_repaired:
            return noticed_s, "stays so"
        server.require(lambda: server.process.poll() is not None or is_ready(server), REPAIRED_S, "repaired, or ended")
        what = f"berth ended with {server.process.poll()}" if server.process.poll() is not None else "repaired"
        return noticed_s, f"{what} after {time.monotonic() - began_s:.1f} s"


def busy(archive: Path) -> float:
    """In which part of the looks the server was ready."""
    with running_server([archive]) as server:
        asker = Asker(server)
        with asking(asker, NUM_CLIENTS, Tally()):
            server.require(lambda: num_queued(server) >= 100, 60.0, "the queue is full")
            until_s, looks = time.monotonic() + BUSY_S, []
            while time.monotonic() < until_s:
                looks.append(is_ready(server))
                time.sleep(0.1)
        return sum(looks) / len(looks)
