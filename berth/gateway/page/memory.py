"""How much memory a server's processes have. Reads /proc only."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
KIB = 1024


def used_bytes(root_pid: int, proc: Path = PROC) -> int:
    """Bytes of a process and all below it; what several share is counted once (PSS). What ends meanwhile has none."""
    return sum(_pss_bytes(proc / str(pid)) for pid in _below(root_pid, proc))


def _below(root_pid: int, proc: Path) -> Iterator[int]:
    """Yield a process and its descendants, by its children's children."""
    waiting = [root_pid]
    while waiting:
        yield (pid := waiting.pop())
        with suppress(OSError):
            for task in (proc / str(pid) / "task").iterdir():
                waiting += map(int, (task / "children").read_text("ascii").split())


def _pss_bytes(process: Path) -> int:
    with suppress(OSError):
        for line in (process / "smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * KIB
    return 0


def launcher_pid() -> int:
    """The process that started this one, which started all others."""
    return os.getppid()
