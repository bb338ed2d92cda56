"""Java's heap too small for what waits in its queue: it ends at once, and so does berth, for who starts it again."""

import time
from collections.abc import Iterator
from pathlib import Path

from handler.config import Task
from tests.support.servers import CONFIG, running_server, session_pids

from ..clients import WRONG
from ..load.full_load import full_load
from ..served.models import pack_sample
from ..table import table, verdict
from .counted import HEADER, asker_of, row, under_load

HEAP = "-Xmx40m"
ENDED_S = 120.0
SOON_S = 10.0


def run(folder: Path) -> Iterator[str]:
    archive, config = pack_sample(folder), folder / "config.properties"
    config.write_text(f"{CONFIG.read_text()}\nvmargs={HEAP}\n")
    with running_server([archive], options=("--config", str(config))) as server:
        leaders = server.leaders
        with under_load(asker_of(server)) as tally, full_load(server, "bert", Task.EMBEDDINGS, 1) as ends:
            server.require(lambda: "java.lang.OutOfMemoryError" in server.log, ENDED_S, "java's heap is full")
            full_s = time.monotonic()
            code = server.wait_for_end(ENDED_S)
            end_s = time.monotonic() - full_s
        line, left = server.log.splitlines()[-1], session_pids(*leaders)
    yield from table(HEADER, [row(f"java has {HEAP}", tally, f"ended {end_s:.1f} s after its heap was full")])
    yield f"those that filled it: {dict(ends)}"
    is_said = code == 1 and "heap was full" in line
    yield verdict(is_said and not left, f"exit code {code}, {len(left)} processes left, {line}")
    yield verdict(end_s < SOON_S and not tally.ends[WRONG], f"within {SOON_S:.0f} s, none wrong")
