"""A worker that is killed under load: each request gets an answer, and those that come after it the right one."""

import os
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psutil
import pytest
import requests

from tests.support.faults import ask
from tests.support.servers import running_server
from tests.support.standin import FAULTY, make_standin

pytestmark = pytest.mark.server

NUM_CLIENTS, NUM_REQUESTS = 8, 200
RETRYABLE = {500, 507}  # "Worker died."


def test_a_killed_worker_loses_no_request(tmp_path: Path) -> None:
    with running_server([make_standin(tmp_path, FAULTY)]) as server, ThreadPoolExecutor(NUM_CLIENTS) as pool:
        words = ["0.05"] * NUM_REQUESTS
        words[3 * NUM_CLIENTS] = "wait 0"
        answers = pool.map(partial(ask, server), words)
        server.wait_for_log("wait 0: begun")
        (pid,) = server.worker_pids()
        os.kill(pid, signal.SIGKILL)
        ends = Counter(answers)
        assert ends.keys() <= {200} | RETRYABLE
        assert 1 <= NUM_REQUESTS - ends[200] <= NUM_CLIENTS
        assert server.worker_pids() != [pid]


def test_workers_are_forks_and_run_the_handler_of_the_archive(tmp_path: Path) -> None:
    with running_server([make_standin(tmp_path)]) as server:
        (pid,) = server.worker_pids()
        assert psutil.Process(pid).ppid() == server.forks.pid
        assert psutil.Process(pid).name() == "berth-worker"
        facts = requests.post(f"{server.inference_url}/predictions/bert", data="facts", timeout=10).json()
        assert server.temp.parent in Path(facts["file"]).resolve().parents  # the cache that it was unpacked to
