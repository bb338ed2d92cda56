"""What a process does, as the machine sees it."""

import os
from dataclasses import dataclass

import psutil

WAITING = (psutil.STATUS_SLEEPING, psutil.STATUS_IDLE)
WORKING = (psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """A living process at one moment."""

    cpu_s: float
    """User and system time so far."""
    status: str
    """psutil's, of its main thread."""

    @property
    def is_waiting(self) -> bool:
        """For something to come; a stopped process (SIGSTOP) does not even do that."""
        return self.status in WAITING

    @property
    def is_working(self) -> bool:
        """It runs, or would if it had a processor or what it reads from a disk."""
        return self.status in WORKING


def look_at(pid: int | None) -> Activity | None:
    """What one of our server's processes does; None where there is none any more, or somebody else has its number."""
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
    """Our children lead sessions of their own, java and the fork server; workers are in one of these."""
    return psutil.Process(os.getsid(pid)).ppid() == os.getpid()
