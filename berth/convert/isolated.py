"""`python -P -m berth.convert.isolated NAME`: runs one conversion where a hostile file can do little.

It reads the job from stdin, gives up the network and sets limits before it imports anything heavy, then calls
`berth.convert.NAME.run(job)`. It writes that function's note to stdout, or the sentence of a refusal, with exit code 4.
"""

import ctypes
import importlib
import json
import os
import resource
import sys
from contextlib import redirect_stdout

from ..errors import Refused

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h
MAX_CPU_S = 1800


def main() -> None:
    job = json.load(sys.stdin)
    give_up_network()
    set_limits(int(job["max_bytes"]))
    work = importlib.import_module(f".{sys.argv[1]}", __package__)
    try:
        with redirect_stdout(sys.stderr):  # stdout is for the note alone
            note = work.run(job)
    except Refused as refused:
        sys.stdout.write(str(refused))
        sys.exit(refused.exit_code)
    sys.stdout.write(note)


def give_up_network() -> bool:
    """Move into a network of our own, which leads nowhere; False where the system does not let us.

    Root keeps its user: in another it could no longer read the files of others.
    """
    unshare = getattr(ctypes.CDLL(None), "unshare", None)
    ways = [CLONE_NEWNET] if os.geteuid() == 0 else [CLONE_NEWUSER | CLONE_NEWNET]
    return unshare is not None and any(unshare(way) == 0 for way in ways)


def set_limits(max_bytes: int) -> None:
    """Limit memory and written files to `max_bytes` each, and the seconds of CPU; no core is dumped."""
    for kind, limit in (
        (resource.RLIMIT_DATA, max_bytes),
        (resource.RLIMIT_FSIZE, max_bytes),
        (resource.RLIMIT_CPU, MAX_CPU_S),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        lowest = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (lowest, lowest))


if __name__ == "__main__":
    main()
