"""How many CPU cores this worker may use: what the container grants, shared fairly with its sibling workers."""

import math
import os
import time

import psutil
import torch

REFRESH_S = 1.0
POOL_SIZE, PARALLEL = "RAYON_NUM_THREADS", "TOKENIZERS_PARALLELISM"
"""What tokenizers reads of the environment: the size of its pool when that is first used, whether to use it always."""


class CoreShare:
    """This worker's share of the cores: threads x workers = cores, also when scaling adds or removes a worker."""

    def __init__(self, cores: int) -> None:
        """`cores` are those of all workers together."""
        self._cores = cores
        self._parent = psutil.Process(os.getppid())
        self._looked_at_s = -math.inf
        os.environ.setdefault(POOL_SIZE, str(self._count_threads()))
        self.refresh()

    def refresh(self) -> None:
        """Set torch's threads, and whether tokenizers may use its own.

        Looks at most once in REFRESH_S, because looking costs about a millisecond.
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
        return max(1, self._cores // max(1, len(self._parent.children())))
