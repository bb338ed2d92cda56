"""Faults that TorchServe does not notice: said by /ready, repaired where that is possible, else the end of berth."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.support.faults import ask, make_zombie
from tests.support.scrape import Scrape
from tests.support.servers import Server, running_server, session_pids
from tests.support.standin import FAULTY, make_standin

from .test_health import reason, status, wait_for_readiness

pytestmark = pytest.mark.server

REPAIRED_S = 60.0  # on a busy machine


def require_repair(server: Server, said: str, former_pid: int) -> None:
    server.wait_for_log(said, REPAIRED_S)
    wait_for_readiness(server, 200)
    (pid,) = server.worker_pids()
    assert pid != former_pid
    assert ask(server, "0") == 200


def test_a_zombie_is_replaced(tmp_path: Path) -> None:
    with running_server([make_standin(tmp_path, FAULTY)]) as server:
        (pid,) = server.worker_pids()
        make_zombie(server)
        assert server.describe()["workers"][0]["status"] == "READY"
        assert requests.get(f"{server.inference_url}/ping", timeout=10).json() == {"status": "Healthy"}
        wait_for_readiness(server, 503)
        require_repair(server, "has not noticed that a worker's process is gone: scaled away and back", pid)
        assert Scrape(server, server.health_url).total("berth_worker_restarts_total") == 1


def test_a_zombie_beside_a_good_worker_is_replaced_and_nobody_is_left_over(tmp_path: Path) -> None:
    with running_server([make_standin(tmp_path, FAULTY)], {"TS_DEFAULT_WORKERS_PER_MODEL": "2"}) as server:
        forks = server.forks.pid
        make_zombie(server, workers=2)
        server.wait_for_log("scaled away and back", REPAIRED_S)
        wait_for_readiness(server, 200)
        server.require(lambda: has_all(server, forks), REPAIRED_S, "what forks and its two workers")
        assert [ask(server, "0") for _ in range(4)] == [200] * 4


def has_all(server: Server, forks: int) -> bool:
    """Whether what forks and two workers that TorchServe knows are all that there is."""
    pids = session_pids(forks)
    return len(pids) == 3 and {*server.worker_pids(), forks} == set(pids)


def test_a_hanging_worker_is_killed_and_its_neighbours_in_the_queue_are_answered(tmp_path: Path) -> None:
    with running_server([make_standin(tmp_path, FAULTY)]) as server, ThreadPoolExecutor() as pool:
        (pid,) = server.worker_pids()
        taken = pool.submit(ask, server, "wait 0")
        server.wait_for_log("wait 0: begun")
        os.kill(pid, signal.SIGSTOP)
        queued = pool.submit(ask, server, "0")
        require_repair(server, "a worker hangs", pid)
        assert taken.result() in (500, 507)
        assert queued.result() == 200


def test_a_worker_that_leaks_is_renewed_and_no_request_is_lost(tmp_path: Path) -> None:
    with running_server([make_standin(tmp_path, FAULTY)]) as server, ThreadPoolExecutor(4) as pool:
        (pid,) = server.worker_pids()
        while server.worker_pids() == [pid]:
            assert list(pool.map(lambda _: ask(server, "leak"), range(8))) == [200] * 8
        server.require(lambda: "it is renewed" in server.log, REPAIRED_S, "berth says so")
        assert ask(server, "0") == 200
        assert status(server, "/ready") == 200


def test_a_wrong_answer_is_not_ready(tmp_path: Path) -> None:
    with running_server([make_standin(tmp_path, FAULTY)]) as server:
        assert ask(server, "wrong") == 200
        wait_for_readiness(server, 503)
        assert "off by 1" in reason(server)
        assert status(server, "/live") == 200


def test_workers_that_die_in_a_loop_are_not_ready(tmp_path: Path) -> None:
    """What becomes of them takes minutes: `make drills NAMES=faults`."""
    with running_server([make_standin(tmp_path, FAULTY)]) as server:
        ask(server, "loop")
        wait_for_readiness(server, 503)
        server.require(lambda: "no worker is loaded" in reason(server), REPAIRED_S, "it is said why")
        server.process.kill()  # what waits for a worker would be waited for
