"""Threads are the granted cores, shared by the workers of one java."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from handler.errors import ConfigError
from handler.worker import cores
from handler.worker.cores import count_children
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


def test_children_of_every_thread_are_counted_without_a_look_at_others_processes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

    before = count_children(os.getpid())
    with ThreadPoolExecutor(1) as other, ExitStack() as held:
        for child in (start(), other.submit(start).result()):
            held.enter_context(child)
            held.callback(child.kill)
        with monkeypatch.context() as blind:
            blind.setattr(psutil, "pids", lambda: [])
            assert count_children(os.getpid()) == before + 2
        tmp_path.joinpath(str(os.getpid()), "task", "1").mkdir(parents=True)
        monkeypatch.setattr(cores, "PROC", tmp_path)  # a kernel without the lists
        assert count_children(os.getpid()) == before + 2
