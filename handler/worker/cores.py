"""How many CPU cores this worker may use: what the container grants, shared fairly with its sibling workers."""

import math
import os
import time

import psutil
import torch

REFRESH_S = 1.0


class CoreShare:
    """This worker's share of the cores: threads x workers = cores, also when scaling adds or removes a worker."""

    def __init__(self, cores: int) -> None:
        """`cores` are those of all workers together."""
        self._cores = cores
        self._parent = psutil.Process(os.getppid())
        self._looked_at_s = -math.inf
        self.refresh()

    def refresh(self) -> None:
        """Set torch's threads; looks at most once in REFRESH_S, because looking costs about a millisecond."""
        now_s = time.monotonic()
        if now_s - self._looked_at_s < REFRESH_S:
            return
        self._looked_at_s = now_s
        threads = max(1, self._cores // self._count_workers())
        if threads != torch.get_num_threads():
            torch.set_num_threads(threads)

    def _count_workers(self) -> int:
        """Count the workers of all models, this one included: all children of its parent, the fork server or java."""
        return max(1, len(self._parent.children()))
