"""How much memory and how many cores a process may use, by all its control groups. Reads /proc and /sys only.

`root` stands for `/`, so that tests can give a folder in the place of a machine.
"""

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import UsageError
from .quantities import KIB

ROOT = Path("/")
IN_MEMORY = frozenset({"tmpfs", "ramfs"})
_OCTAL = re.compile(r"\\(\d{3})")  # how mountinfo writes spaces


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryLimit:
    """How much memory a process may use, and who says so."""

    bytes: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One mount: a line of mountinfo."""

    root: PurePosixPath
    """The folder of the file system that is seen at `point`."""
    point: PurePosixPath
    kind: str
    options: tuple[str, ...]


def memory_limit(pid: int | str = "self", root: Path = ROOT) -> MemoryLimit:
    """Find the smallest limit that holds a process."""
    machine = MemoryLimit(bytes=_machine_bytes(root), source="this machine")
    return min([machine, *_group_limits(pid, root)], key=lambda limit: limit.bytes)


def granted_cores(root: Path = ROOT) -> int:
    """Count the cores that the affinity mask and all control groups' quotas leave, at least 1; java counts the same."""
    quotas = (_quota_cores(folder) for folder in group_folders("cpu", "self", root))
    return max(1, math.ceil(min([len(os.sched_getaffinity(0)), *quotas])))


def is_in_memory(path: Path, root: Path = ROOT) -> bool:
    """Whether files here take memory: they lie on a tmpfs, such as an emptyDir of medium Memory."""
    place = PurePosixPath(path.resolve())
    mounts = [mount for mount in read_mounts("self", root) if place.is_relative_to(mount.point)]
    # Of several mounts on one point, the last one is seen.
    deepest = max(enumerate(mounts), key=lambda item: (len(item[1].point.parts), item[0]), default=None)
    return deepest is not None and deepest[1].kind in IN_MEMORY


def read_mounts(pid: int | str = "self", root: Path = ROOT) -> list[Mount]:
    """List the mounts that a process sees; none where there is no /proc."""
    mounts = []
    for line in _lines(root / "proc" / str(pid) / "mountinfo"):
        fields, _, rest = line.partition(" - ")
        _, _, _, seen, point, *_ = fields.split()
        kind, _, options = rest.split(" ", 2)
        mounts.append(Mount(root=_path(seen), point=_path(point), kind=kind, options=tuple(options.split(","))))
    return mounts


def group_folders(controller: str, pid: int | str, root: Path = ROOT) -> Iterator[Path]:
    """Yield the folders of a process's control groups with `controller`, and all above them; versions 1 and 2."""
    paths = dict(_group_paths(pid, root))
    for mount in read_mounts("self", root):
        if mount.kind == "cgroup" and controller in mount.options:
            path = paths.get(controller)
        else:
            path = paths.get("") if mount.kind == "cgroup2" else None
        if path is not None:
            yield from _upwards(root, mount, path)


def _group_paths(pid: int | str, root: Path) -> Iterator[tuple[str, PurePosixPath]]:
    """Yield each control group's controller and path; version 2's has an empty name for the controller."""
    for line in _lines(root / "proc" / str(pid) / "cgroup"):
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            yield controller, PurePosixPath(path)


def _upwards(root: Path, mount: Mount, path: PurePosixPath) -> Iterator[Path]:
    """Yield the folders from a group up to the mount. In a container the mount may be the group, whatever its path."""
    inside = path.relative_to(mount.root) if path.is_relative_to(mount.root) else PurePosixPath()
    top = root / mount.point.relative_to("/")
    if ".." in inside.parts or not (top / inside).is_dir():
        inside = PurePosixPath()
    yield from (top / part for part in (inside, *inside.parents))


def _group_limits(pid: int | str, root: Path) -> Iterator[MemoryLimit]:
    for folder in group_folders("memory", pid, root):
        for name in ("memory.max", "memory.limit_in_bytes"):
            value = next(_lines(folder / name), "max")
            if value != "max":  # version 1 says "none" by a number that no machine reaches
                yield MemoryLimit(bytes=int(value), source=f"the control group's {name}")


def _quota_cores(folder: Path) -> float:
    """Cores that one group's quota allows; infinite where there is none."""
    quota, _, period = next(_lines(folder / "cpu.max"), "max 1").partition(" ")
    quota = next(_lines(folder / "cpu.cfs_quota_us"), quota)
    period = next(_lines(folder / "cpu.cfs_period_us"), period)
    return math.inf if quota in ("max", "-1") else int(quota) / int(period)


def _machine_bytes(root: Path) -> int:
    for line in _lines(root / "proc" / "meminfo"):
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * KIB
    raise UsageError("/proc/meminfo does not say how much memory this machine has: give it, such as --memory 4Gi")


def _lines(path: Path) -> Iterator[str]:
    """Yield a file's lines; none where the file is missing."""
    try:
        yield from path.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return


def _path(text: str) -> PurePosixPath:
    return PurePosixPath(_OCTAL.sub(lambda match: chr(int(match[1], 8)), text))
