"""What is served is taken away while it serves: the archive, then the folder that it was unpacked to."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.servers import Server, running_server

from ..clients import LOST, WRONG, Asker, Tally
from ..served.models import pack_sample
from ..starts import is_ready
from ..table import table, verdict
from .counted import CALM_S, HEADER, asker_of, require_ready, row, sum_of, under_load

ENDED_S = 240.0
SOON_S = 20.0


def run(folder: Path) -> Iterator[str]:
    archive, cache = pack_sample(folder), folder / "cache"
    with running_server([archive], {"XDG_CACHE_HOME": str(cache)}) as server:
        asker = asker_of(server)
        with under_load(asker) as deleted:
            archive.unlink()
            os.kill(server.worker_pids()[0], signal.SIGKILL)
            time.sleep(CALM_S)
            require_ready(server)
        with under_load(asker) as removed:
            shutil.rmtree(cache)
        ended, end_s = kill_worker_of_nothing(server, asker)
        line = server.log.splitlines()[-1]
    rows = [
        row("the archive deleted, a worker killed", deleted, "ready"),
        row("the unpacked folder removed", removed, "goes on"),
        row("that, and a worker killed", ended, f"ended after {end_s:.1f} s"),
    ]
    yield from table(HEADER, rows)
    yield f"the last line: {line}"
    yield verdict(not sum_of(LOST, deleted, removed) + sum_of(WRONG, deleted, removed, ended), "none lost, none wrong")
    yield verdict(end_s < SOON_S, f"a server that cannot start a worker any more ends within {SOON_S:.0f} s")


def kill_worker_of_nothing(server: Server, asker: Asker) -> tuple[Tally, float]:
    """Seconds until berth ended, so that another could be started."""
    with under_load(asker) as tally:
        os.kill(server.worker_pids()[0], signal.SIGKILL)
        killed_s = time.monotonic()
        server.require(lambda: server.process.poll() is not None or not is_ready(server), ENDED_S, "not ready")
        server.wait_for_end(ENDED_S)
        end_s = time.monotonic() - killed_s
    return tally, end_s
