"""A memory cgroup of this machine with a limit, for a server to live in. Version 1 or 2; root may make one."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from berth.machine.limits import group_folders
from berth.wait import wait_until

NO_GROUP = "skipped: no memory cgroup can be made here"
V1 = ("memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control")
V2 = ("memory.max", "memory.peak", "memory.events")


@dataclass(frozen=True, kw_only=True)
class MemoryGroup:
    """One that this drill made."""

    folder: Path

    @property
    def _names(self) -> tuple[str, str, str]:
        return V1 if (self.folder / V1[0]).exists() else V2

    def limit(self, limit_bytes: int) -> None:
        (self.folder / self._names[0]).write_text(str(limit_bytes))

    def peak_bytes(self) -> int:
        """Everything that was charged, files that may be dropped too."""
        return int((self.folder / self._names[1]).read_text())

    def kills(self) -> int:
        """How many processes the kernel killed in it."""
        lines = (self.folder / self._names[2]).read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))

    @property
    def wrapper(self) -> tuple[str, ...]:
        """Runs a command inside, with all that it starts."""
        return ("/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self.folder / "cgroup.procs"))


@contextlib.contextmanager
def memory_group(name: str) -> Iterator[MemoryGroup | None]:
    """A group of its own under the top; None where none can be made."""
    tops = [folder for folder in group_folders("memory", "self") if _has_memory(folder)]
    folder = tops[-1] / f"berth-{name}-{os.getpid()}" if tops else None
    try:
        if folder:
            folder.mkdir()
            if not _has_memory(folder):  # version 2, whose top does not hand the controller down
                folder.rmdir()
                folder = None
    except OSError:
        folder = None
    try:
        yield MemoryGroup(folder=folder) if folder else None
    finally:
        if folder:
            wait_until(lambda: _remove(folder), 30.0)


def _has_memory(folder: Path) -> bool:
    return any((folder / name).exists() for name in ("memory.usage_in_bytes", "memory.current"))


def _remove(folder: Path) -> bool:
    """False while somebody is in it."""
    try:
        folder.rmdir()
    except OSError:
        return not folder.exists()
    return True
