"""How much memory a tree of processes has, in a /proc of files and in the real one."""

import os
from pathlib import Path

from berth.gateway.page.memory import used_bytes


def make_process(proc: Path, pid: int, pss_kib: int, children: str = "") -> None:
    task = proc / str(pid) / "task" / str(pid)
    task.mkdir(parents=True)
    (task / "children").write_text(children)
    (proc / str(pid) / "smaps_rollup").write_text(f"Rss: {9 * pss_kib} kB\nPss: {pss_kib} kB\nPss_Anon: 1 kB\n")


def test_all_below_are_counted_and_what_has_ended_is_not(tmp_path: Path) -> None:
    make_process(tmp_path, 10, 100, "11 12 ")
    make_process(tmp_path, 11, 20, "13 ")
    make_process(tmp_path, 13, 3)
    make_process(tmp_path, 99, 5000)
    assert used_bytes(10, tmp_path) == 123 * 1024


def test_this_process_has_some() -> None:
    assert used_bytes(os.getpid()) > 2**20
