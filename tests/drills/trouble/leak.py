"""A worker that leaks 1 MB a request, in a memory cgroup of what the server needs and a tenth more."""

import time
from collections.abc import Iterator
from pathlib import Path

from berth.machine.quantities import MIB
from tests.support.servers import started_server

from ..clients import LOST, RIGHT, WRONG
from ..load.memory_group import NO_GROUP, memory_group
from ..memory import predict
from ..served.models import LEAKS, pack_sample, unpack_with_trouble
from ..table import table, verdict
from .counted import HEADER, asker_of, row, under_load

RENEWALS = 5
LONGEST_S = 300.0
ROOM = 1.1
SAID = "it is renewed"


def run(folder: Path) -> Iterator[str]:
    archive = unpack_with_trouble(pack_sample(folder), LEAKS)
    need = predict(archive, 1).total_bytes
    with memory_group("leak") as group:
        if group is None:
            yield f"{NO_GROUP}: without one"
        else:
            group.limit(int(ROOM * need))
        wrapper = group.wrapper if group else ()
        with started_server([archive], wrapper=wrapper) as server:
            server.wait_for_log("berth: ready")
            with under_load(asker_of(server)) as tally:
                began_s = time.monotonic()
                while server.log.count(SAID) < RENEWALS and time.monotonic() - began_s < LONGEST_S:
                    time.sleep(0.2)
            lines = [line for line in server.log.splitlines() if SAID in line]
            killed = group.kills() if group else 0
        peak = f", {group.peak_bytes() // MIB} MiB charged at most" if group else ""
    renewals = len(lines)
    yield from table(HEADER, [row("1 MB leaks with each request", tally, f"renewed {renewals} times")])
    yield f"predicted {need // MIB} MiB{peak}; {lines[-1] if lines else 'never renewed'}"
    ends = tally.ends
    yield verdict(renewals >= RENEWALS and not killed, f"renewed {renewals} times, killed by the kernel {killed} times")
    yield verdict(ends[RIGHT] == ends.total(), f"none refused, {ends[LOST]} lost, {ends[WRONG]} wrong")
