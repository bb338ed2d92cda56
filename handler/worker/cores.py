"""How many CPU cores this worker may use: what the container grants, shared fairly with its sibling workers."""

import math
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import torch

REFRESH_S = 1.0
PROC = Path("/proc")
POOL_SIZE, PARALLEL = "RAYON_NUM_THREADS", "TOKENIZERS_PARALLELISM"
"""What tokenizers reads of the environment: the size of its pool when that is first used, whether to use it always."""


class CoreShare:
    """This worker's share of the cores: threads x workers = cores, also when scaling adds or removes a worker."""

    def __init__(self, cores: int) -> None:
        """`cores` are those of all workers together."""
        self._cores = cores
        self._parent = os.getppid()
        self._looked_at_s = -math.inf
        os.environ.setdefault(POOL_SIZE, str(self._count_threads()))
        self.refresh()

    def refresh(self) -> None:
        """Set torch's threads, and whether tokenizers may use its own.

        Looks at most once in REFRESH_S: a batch waits for it.
        """
        now_s = time.monotonic()
        if now_s - self._looked_at_s < REFRESH_S:
            return
        self._looked_at_s = now_s
        threads = self._count_threads()
        os.environ[PARALLEL] = "true" if threads > 1 else "false"
        if threads != torch.get_num_threads():
            torch.set_num_threads(threads)

    def _count_threads(self) -> int:
        """Share the cores by the workers of all models: all children of its parent, the fork server or java."""
        return max(1, self._cores // max(1, count_children(self._parent)))


def count_children(pid: int) -> int:
    """Count a process's children by its threads' lists of them; a kernel without these has every process looked at.

    Java starts workers in any of its threads, and a thread that ends leaves its own to another. A list takes 30 us, and
    psutil 10 us for each process of the machine.
    """
    lists = list(_lists_of_children(pid))
    return sum(map(len, lists)) if lists else len(psutil.Process(pid).children())


def _lists_of_children(pid: int) -> Iterator[list[str]]:
    """Each thread's list (CONFIG_PROC_CHILDREN, proc(5)); a thread that has just ended has none."""
    for thread in PROC.joinpath(str(pid), "task").iterdir():
        with suppress(OSError):
            yield (thread / "children").read_text("ascii").split()
