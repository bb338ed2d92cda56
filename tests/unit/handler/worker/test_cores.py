"""Threads are the granted cores, shared by the workers of one java."""

import os
import subprocess
import sys

import pytest

from handler.config import Environment
from handler.errors import ConfigError

WORKER = """
import sys, torch
from handler.worker.cores import CoreShare
sys.stdin.readline()
CoreShare(6).refresh()
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


def test_the_launcher_says_how_many_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BERTH_CORES", raising=False)
    assert Environment.read().cores == len(os.sched_getaffinity(0))
    monkeypatch.setenv("BERTH_CORES", "7")
    assert Environment.read().cores == 7
    monkeypatch.setenv("BERTH_CORES", "many")
    with pytest.raises(ConfigError, match="BERTH_CORES is 'many'; it must be a number of cores"):
        Environment.read()


def test_two_workers_of_one_parent_share_the_cores() -> None:
    output = subprocess.run([sys.executable, "-c", PARENT], capture_output=True, text=True, check=True).stdout
    assert output.split() == ["3", "3"]
