"""Threads are the granted cores, shared by the workers of one java."""

import os
import subprocess
import sys

import pytest

from handler.errors import ConfigError
from handler.worker.environment import Environment

# Threads of torch, and those that tokenizers starts for a batch, of which it needs one word only.
WORKER = """
import os, sys, torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from handler.worker.cores import CoreShare
def num_threads():
    return len(os.listdir("/proc/self/task"))
tokenizer = Tokenizer(WordLevel({"a": 0}, unk_token="a"))
sys.stdin.readline()
CoreShare(int(sys.argv[1])).refresh()
before = num_threads()
tokenizer.encode_batch_fast(["a"] * 100)
print(torch.get_num_threads(), num_threads() - before, flush=True)
sys.stdin.readline()
"""
PARENT = f"""
import subprocess, sys
command = [sys.executable, "-c", {WORKER!r}, sys.argv[1]]
workers = [subprocess.Popen(command, stdin=-1, stdout=-1, text=True) for _ in range(2)]
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


@pytest.mark.parametrize(("cores", "torch_threads", "tokenizers_threads"), [(6, 3, 3), (3, 1, 0)])
def test_two_workers_of_one_parent_share_the_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int, torch_threads: int, tokenizers_threads: int
) -> None:
    monkeypatch.delenv("RAYON_NUM_THREADS", raising=False)
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")  # as berth serve sets it
    command = [sys.executable, "-c", PARENT, str(cores)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert output.splitlines() == [f"{torch_threads} {tokenizers_threads}"] * 2
