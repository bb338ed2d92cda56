"""Threads are the granted cores, shared by the workers of one java."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from handler.worker import cores

WORKER = """
import sys, torch
from handler.cores import CoreShare
sys.stdin.readline()
CoreShare().refresh()
print(torch.get_num_threads(), flush=True)
sys.stdin.readline()
"""
PARENT = f"""
import subprocess, sys
workers = [subprocess.Popen([sys.executable, "-c", {WORKER!r}], stdin=-1, stdout=-1, text=True) for _ in range(2)]
for worker in workers:
    print(worker.stdin.write("go\\n") and worker.stdin.flush() or worker.stdout.readline().strip())
for worker in workers:
    worker.communicate("end\\n")
"""


def test_quota_bounds_the_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quota = tmp_path / "cpu.max"
    monkeypatch.setattr(cores, "CGROUP_V2", quota)
    quota.write_text("max 100000\n")
    assert cores.granted_cores() == len(os.sched_getaffinity(0))
    quota.write_text("50000 100000\n")
    assert cores.granted_cores() == 1


def test_two_workers_of_one_parent_share_the_cores() -> None:
    output = subprocess.run([sys.executable, "-c", PARENT], capture_output=True, text=True, check=True).stdout
    share = max(1, cores.granted_cores() // 2)
    assert output.split() == [str(share), str(share)]
