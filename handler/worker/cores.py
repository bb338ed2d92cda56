"""How many CPU cores this worker may use: what the container grants, shared fairly with its sibling workers."""

import math
import os
import time
from pathlib import Path

import psutil
import torch

REFRESH_S = 1.0
CGROUP_V2 = Path("/sys/fs/cgroup/cpu.max")
CGROUP_V1 = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")


def granted_cores() -> int:
    """Cores that the affinity mask and the cgroup's quota leave to this process, 1 or more."""
    return max(1, math.ceil(min(len(os.sched_getaffinity(0)), _quota_cores())))


def _quota_cores() -> float:
    """The cgroup's CPU quota in cores; infinite where there is none."""
    try:
        if CGROUP_V2.exists():
            quota, period = CGROUP_V2.read_text("ascii").split()
        else:
            quota, period = (path.read_text("ascii").strip() for path in CGROUP_V1)
    except OSError:
        return math.inf
    return math.inf if quota in ("max", "-1") else int(quota) / int(period)


class CoreShare:
    """This worker's share of the cores: threads x workers = cores, also when scaling adds or removes a worker."""

    def __init__(self) -> None:
        self._cores = granted_cores()
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
        """Workers of all models, this one included: all children of its parent, the fork server or java."""
        return max(1, len(self._parent.children()))
