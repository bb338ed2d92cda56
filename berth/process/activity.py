"""What one of our server's processes is doing, as the machine sees it."""

import os
from dataclasses import dataclass

import psutil

WAITING = (psutil.STATUS_SLEEPING, psutil.STATUS_IDLE)
WORKING = (psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """A living process at one moment."""

    cpu_s: float
    """User and system time that it has used so far."""
    status: str
    """The state of its main thread, in psutil's words."""

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for something to come; a stopped process (SIGSTOP) does not even do that."""
        return self.status in WAITING

    @property
    def is_working(self) -> bool:
        """Whether it runs, or would if it had a processor or what it reads from a disk."""
        return self.status in WORKING


def look_at(pid: int | None) -> Activity | None:
    """Look at the process with this pid; None where it is gone, or the number is now that of a stranger."""
    if not pid:
        return None
    try:
        process = psutil.Process(pid)
        if not _is_ours(pid) or (status := process.status()) == psutil.STATUS_ZOMBIE:
            return None
        times = process.cpu_times()
    except (psutil.NoSuchProcess, ProcessLookupError):
        return None
    return Activity(cpu_s=float(times.user + times.system), status=status)


def _is_ours(pid: int) -> bool:
    """Whether its session leader is our child: java and the fork server lead one each, and workers are in these."""
    return psutil.Process(os.getsid(pid)).ppid() == os.getpid()
