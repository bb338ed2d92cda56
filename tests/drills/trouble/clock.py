"""The clock jumps, for all of a server's processes: a library that they preload gives them another time of day.

The machine's own clock, which others go by, is not touched.
"""

import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from tests.support.servers import Server, running_server

from ..clients import LOST, RIGHT, WRONG
from ..served.models import pack_sample
from ..table import table, verdict
from .counted import CALM_S, HEADER, NUM_CLIENTS, asker_of, require_ready, row, sum_of, under_load

SOURCE = Path(__file__).with_name("clock.c")
NO_COMPILER = "skipped: no C compiler is here (cc)"
HOUR_S, YEAR_S = 3600, 31_536_000
JUMPS = {"an hour on": HOUR_S, "an hour back": 0, "a year back": -YEAR_S, "a year on": 0}


def run(folder: Path) -> Iterator[str]:
    if not shutil.which("cc"):
        yield NO_COMPILER
        return
    library, offset, tallies = folder / "clock.so", folder / "offset", {}
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, SOURCE, "-ldl"], check=True)
    set_clock(offset, 0)
    variables = {"LD_PRELOAD": str(library), "CLOCK_OFFSET": str(offset)}
    with running_server([pack_sample(folder)], variables) as server:
        asker = asker_of(server)
        for what, seconds in JUMPS.items():
            with under_load(asker) as tallies[what]:
                set_clock(offset, seconds)
                time.sleep(CALM_S)
                require_ready(server)
                statuses = [ask_with_deadline(server) for _ in range(5)]
            yield f"{what}: requests with a deadline of 2 s: {statuses}; for berth it is {date_of(server)}"
    yield from table(HEADER, [row(what, tally) for what, tally in tallies.items()])
    yield verdict(not sum_of(LOST, *tallies.values()) + sum_of(WRONG, *tallies.values()), "none lost, none wrong")
    refused = sum(tally.ends.total() - tally.ends[RIGHT] for tally in tallies.values())
    yield verdict(refused <= len(JUMPS) * NUM_CLIENTS, f"{refused} refused: no more than were under way at the jumps")


def set_clock(file: Path, seconds: int) -> None:
    """So many seconds beside the real time; in place, for the processes have mapped the file."""
    with file.open("r+b" if file.exists() else "wb") as opened:
        opened.write(struct.pack("q", seconds))


def ask_with_deadline(server: Server) -> int:
    url = f"{server.inference_url}/predictions/bert"
    return requests.post(url, json={"inputs": "a boat"}, headers={"x-timeout-ms": "2000"}, timeout=60).status_code


def date_of(server: Server) -> str:
    """The launcher's time of day."""
    return requests.get(f"{server.health_url}/live", timeout=10).headers["date"]
