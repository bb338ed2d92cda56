"""What a machine grants, read from trees of files that stand for machines and containers."""

import os
from pathlib import Path

import pytest

from berth.errors import UsageError
from berth.machine.limits import granted_cores, is_in_memory, memory_limit
from berth.machine.quantities import GIB, MIB, format_bytes, parse_quantity

NO_LIMIT_V1 = "9223372036854771712"  # what version 1 says for none
CGROUP_V2 = "30 20 0:26 {root} /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate"
MEMORY_V1 = "33 32 0:29 {root} /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory"
CPU_V1 = "34 32 0:30 {root} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct"


def machine(folder: Path, files: dict[str, str], *mounts: str, groups: str = "") -> Path:
    """A tree with /proc, 8 GiB of memory, and these files."""
    files = {
        "proc/meminfo": "MemTotal:        8388608 kB\nMemFree: 1 kB\n",
        "proc/self/mountinfo": "".join(f"{mount}\n" for mount in mounts),
        "proc/self/cgroup": groups,
        **files,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("2Gi", 2 * GIB),
        ("512Mi", 512 * MIB),
        ("4G", 4 * 10**9),
        ("1.5Gi", 3 * GIB // 2),
        ("1024", 1024),
        ("64Ki", 65536),
    ],
)
def test_amounts_are_written_as_in_kubernetes(text: str, amount: int) -> None:
    assert parse_quantity(text) == amount


@pytest.mark.parametrize("text", ["", "2GB", "two", "-1Gi", "2 Gi", "0", "0.0Gi", "Gi"])
def test_other_amounts_are_a_mistake(text: str) -> None:
    with pytest.raises(UsageError, match="not an amount of memory"):
        parse_quantity(text)


def test_amounts_for_people() -> None:
    assert [format_bytes(amount) for amount in (3 * GIB // 2, 90 * MIB)] == ["1.50 GiB", "90 MiB"]


def test_without_groups_it_is_the_machines_memory(tmp_path: Path) -> None:
    limit = memory_limit(root=machine(tmp_path, {}))
    assert (limit.bytes, limit.source) == (8 * GIB, "this machine")


def test_a_machine_that_does_not_say_asks_for_the_option(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--memory"):
        memory_limit(root=tmp_path)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"kubepods/memory.max": "4294967296", "kubepods/pod/memory.max": "max"}, 4 * GIB),
        ({"kubepods/memory.max": "max", "kubepods/pod/memory.max": "2147483648"}, 2 * GIB),
        ({"kubepods/memory.max": "1073741824", "kubepods/pod/memory.max": "2147483648"}, GIB),
        ({"kubepods/memory.max": "max", "kubepods/pod/memory.max": "max"}, 8 * GIB),
    ],
)
def test_version_2_the_smallest_limit_of_all_levels_counts(
    tmp_path: Path, limits: dict[str, str], expected: int
) -> None:
    files = {f"sys/fs/cgroup/{name}": text for name, text in limits.items()}
    root = machine(tmp_path, files, CGROUP_V2.format(root="/"), groups="0::/kubepods/pod\n")
    assert memory_limit(root=root).bytes == expected


@pytest.mark.parametrize("group", ["/", "/../../kubepods/pod", "/kubepods/pod"])
def test_version_2_in_a_container_the_mount_is_its_own_group(tmp_path: Path, group: str) -> None:
    """With a namespace the path is /, a process moved in from outside sees .., and without one it is the host's."""
    files = {"sys/fs/cgroup/memory.max": "1073741824\n"}
    assert memory_limit(root=machine(tmp_path, files, CGROUP_V2.format(root="/"), groups=f"0::{group}\n")).bytes == GIB


@pytest.mark.parametrize(("outer", "inner", "expected"), [(NO_LIMIT_V1, str(GIB), 1), (str(GIB), NO_LIMIT_V1, 1)])
def test_version_1_is_nested_too_and_its_none_is_a_number(
    tmp_path: Path, outer: str, inner: str, expected: int
) -> None:
    place = "sys/fs/cgroup/memory"
    files = {
        f"{place}/memory.limit_in_bytes": NO_LIMIT_V1,
        f"{place}/a/memory.limit_in_bytes": outer,
        f"{place}/a/b/memory.limit_in_bytes": inner,
    }
    root = machine(tmp_path, files, MEMORY_V1.format(root="/"), groups="5:cpu:/\n4:memory:/a/b\n0::/\n")
    limit = memory_limit(root=root)
    assert limit.bytes == expected * GIB
    assert "memory.limit_in_bytes" in limit.source


def test_version_1_without_a_limit_is_the_machine(tmp_path: Path) -> None:
    files = {"sys/fs/cgroup/memory/memory.limit_in_bytes": NO_LIMIT_V1}
    root = machine(tmp_path, files, MEMORY_V1.format(root="/"), groups="4:memory:/\n")
    assert memory_limit(root=root).source == "this machine"


def test_version_1_in_a_container_without_a_namespace(tmp_path: Path) -> None:
    """docker's: the host's path in both files, and only the container's own group is mounted."""
    files = {"sys/fs/cgroup/memory/memory.limit_in_bytes": str(GIB)}
    root = machine(tmp_path, files, MEMORY_V1.format(root="/docker/abc"), groups="4:memory:/docker/abc\n")
    assert memory_limit(root=root).bytes == GIB


@pytest.mark.parametrize(
    ("files", "mount", "group"),
    [
        ({"sys/fs/cgroup/cpu.max": "50000 100000"}, CGROUP_V2, "0::/\n"),
        (
            {
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
            },
            CPU_V1,
            "3:cpu,cpuacct:/\n",
        ),
    ],
)
def test_cores_are_the_quotas_rounded_up(tmp_path: Path, files: dict[str, str], mount: str, group: str) -> None:
    assert granted_cores(machine(tmp_path, files, mount.format(root="/"), groups=group)) == 1


def test_without_a_quota_cores_are_the_affinity_mask(tmp_path: Path) -> None:
    files = {"sys/fs/cgroup/cpu.max": "max 100000"}
    root = machine(tmp_path, files, CGROUP_V2.format(root="/"), groups="0::/\n")
    assert granted_cores(root) == len(os.sched_getaffinity(0))


def test_the_deepest_mount_says_whether_a_folder_lies_in_memory(tmp_path: Path) -> None:
    root = machine(
        tmp_path / "root",
        {},
        "20 1 8:1 / / rw - ext4 /dev/root rw",
        "21 20 0:20 / /run rw - tmpfs tmpfs rw",
        "22 21 8:2 / /run/disk\\040two rw - ext4 /dev/two rw",
    )
    found = [is_in_memory(Path(path), root) for path in ("/srv", "/run", "/run/berth/x", "/run/disk two/x")]
    assert found == [False, True, True, False]
