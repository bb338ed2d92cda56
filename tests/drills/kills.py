"""SIGKILL to a worker under load, to java, and to berth."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.servers import running_server, session_pids

from .clients import LOST, RIGHT, WRONG, Asker, Tally, asking
from .served.models import pack_sample
from .starts import is_ready
from .table import table, verdict

NUM_CLIENTS = 30
NUM_KILLS = 3
BETWEEN_S = 10.0
CALM_S = 5.0


def run(folder: Path) -> Iterator[str]:
    archive = pack_sample(folder)
    rows = [(workers, kill_workers(archive, workers)) for workers in (1, 2)]
    yield from table(
        ("workers", "killed", "sent", "right", "retryable error", "wrong", "lost", "longest gap s"),
        [(workers, NUM_KILLS, *_describe(tally)) for workers, tally in rows],
    )
    yield verdict(all(not tally.ends[LOST] + tally.ends[WRONG] for _, tally in rows), "none lost, none wrong")
    yield from kill_java(archive)
    yield from kill_berth(archive)


def kill_workers(archive: Path, workers: int) -> Tally:
    """Under clients that never pause."""
    tally, several = Tally(), {"TS_DEFAULT_WORKERS_PER_MODEL": str(workers)}
    with running_server([archive], several) as server, asking(Asker(server), NUM_CLIENTS, tally):
        for _ in range(NUM_KILLS):
            time.sleep(CALM_S)
            os.kill(server.worker_pids()[0], signal.SIGKILL)
            time.sleep(BETWEEN_S)
            server.require(lambda: is_ready(server), 60.0, "ready again")
    return tally


def _describe(tally: Tally) -> tuple[object, ...]:
    ends, gap = tally.ends, f"{tally.longest_gap_s():.1f}"
    return ends.total(), ends[RIGHT], tally.num_retryable, ends[WRONG], ends[LOST], gap


def kill_java(archive: Path) -> Iterator[str]:
    with running_server([archive]) as server:
        leaders = server.leaders
        os.kill(leaders[0], signal.SIGKILL)
        code = server.wait_for_end()
        left = session_pids(*leaders), list(server.temp.iterdir())
        yield verdict(code == 1 and left == ([], []), f"java killed: berth ends with {code}, left: {left}")


def kill_berth(archive: Path) -> Iterator[str]:
    """Together with a worker that hangs, which would never notice."""
    with running_server([archive]) as server:
        leaders = server.leaders
        os.kill(server.worker_pids()[0], signal.SIGSTOP)
        server.process.kill()
        server.process.wait()
        killed_s = time.monotonic()
        server.require(lambda: not session_pids(*leaders), 30.0, "nothing is left")
        yield verdict(
            True, f"berth killed while a worker hangs: no process is left after {time.monotonic() - killed_s:.1f} s"
        )
