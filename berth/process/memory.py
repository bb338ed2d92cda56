"""What the server's processes take, as PSS: a page that n processes share counts 1/n in each."""

import contextlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import psutil

PARTS = ("launcher", "java", "workers", "front")


def pss_bytes(pid: int) -> int:
    """Of one process; 0 of one that is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024  # it says kB
    return 0


def memory_by_part() -> Mapping[str, int]:
    """Bytes that this process and all below it take, by what they are of PARTS."""
    this = psutil.Process()
    found = Counter(dict.fromkeys(PARTS, 0) | {"launcher": pss_bytes(this.pid)})
    for process in this.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            found[_part(process)] += pss_bytes(process.pid)
    return found


def _part(process: psutil.Process) -> str:
    """The guards of sessions are shells, and the launcher's; what is left forks workers, or is one."""
    by_name = {"java": "java", "haproxy": "front", "sh": "launcher", "dash": "launcher"}
    return "front" if "berth.gateway" in process.cmdline() else by_name.get(process.name(), "workers")
