"""Health of a real server: what /startup, /live and /ready say while it starts, works, hangs, dies and stops."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
import requests

from berth.health.diagnosis import STUCK_S
from berth.wait import wait_until
from tests.support.servers import Server, running_server, started_server
from tests.support.standin import ANSWERS, make_standin

pytestmark = pytest.mark.server

NOTICED_S = 60.0  # on a busy machine
LONG_TEXTS = ["all of it is about water " * 60] * 16
NUM_CLIENTS = 4


def status(server: Server, path: str) -> int:
    return requests.get(server.health_url + path, timeout=10).status_code


def reason(server: Server) -> str:
    return str(requests.get(f"{server.health_url}/ready", timeout=10).json().get("reason"))


def wait_for_readiness(server: Server, expected: int) -> None:
    server.require(lambda: status(server, "/ready") == expected, NOTICED_S, f"/ready is {expected}")


def is_listening(server: Server) -> bool:
    try:
        return bool(status(server, "/live"))
    except requests.ConnectionError:
        return False


def test_startup_comes_true_with_the_first_known_answer(tmp_path: Path) -> None:
    loads = tmp_path / "loads"
    wait = f"import pathlib, time\n        while not pathlib.Path({str(loads)!r}).exists(): time.sleep(0.01)"
    with started_server([make_standin(tmp_path, ANSWERS.replace('"""Nothing to load."""', wait))]) as server:
        server.require(lambda: is_listening(server), NOTICED_S, "probes are answered")
        assert [status(server, path) for path in ("/startup", "/live", "/ready")] == [503, 200, 503]
        loads.touch()
        server.wait_for_log("berth: ready")
        assert [status(server, path) for path in ("/startup", "/live", "/ready")] == [200, 200, 200]


def test_a_busy_worker_is_ready_and_a_hanging_or_dead_one_is_not(sample_archive: Path) -> None:
    with running_server([sample_archive]) as server:
        assert readiness_under_load(server) == {200}
        (pid,) = server.worker_pids()
        os.kill(pid, signal.SIGSTOP)
        wait_for_readiness(server, 503)
        assert "hangs" in reason(server)
        assert [status(server, path) for path in ("/startup", "/live")] == [200, 200]
        os.kill(pid, signal.SIGCONT)
        wait_for_readiness(server, 200)
        server.forks.suspend()  # or another is forked before anybody has looked
        os.kill(pid, signal.SIGKILL)
        wait_for_readiness(server, 503)
        server.forks.resume()
        wait_for_readiness(server, 200)


def readiness_under_load(server: Server) -> set[int]:
    """What /ready says while the worker is never idle, for longer than a hanging one is given."""
    enough = Event()

    def ask() -> None:
        while not enough.is_set():
            url = f"{server.inference_url}/predictions/bert"
            assert requests.post(url, json={"inputs": LONG_TEXTS}, timeout=120).status_code == 200

    seen = set()
    with ThreadPoolExecutor(NUM_CLIENTS) as pool:
        clients = [pool.submit(ask) for _ in range(NUM_CLIENTS)]
        until_s = time.monotonic() + 3 * STUCK_S
        while time.monotonic() < until_s:
            seen.add(status(server, "/ready"))
            wait_until(enough.is_set, 0.5)
        enough.set()
    for client in clients:
        client.result()
    return seen


def test_a_server_that_stops_is_not_ready_from_the_signal_on(tmp_path: Path) -> None:
    """Also while its frontend is silent, and whatever the number of models."""
    archives = [make_standin(tmp_path, name=name) for name in ("one", "two", "three")]
    with running_server(archives) as server:
        assert status(server, "/ready") == 200
        server.java.suspend()
        server.process.send_signal(signal.SIGTERM)
        server.require(lambda: reason(server) == "berth is stopping", NOTICED_S, "berth has noticed the signal")
        server.java.resume()
        assert server.wait_for_end() == 0
