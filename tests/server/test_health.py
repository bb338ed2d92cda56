"""Health of a real server: what /startup, /live and /ready say while it starts, works, hangs, dies and stops."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from berth.wait import wait_until
from handler.config import MAX_INPUTS_PER_REQUEST

from .servers import Server, running_server, started_server

pytestmark = pytest.mark.server

NOTICED_S = 60.0  # on a busy machine; TorchServe loads a killed worker again in 4 s on an idle one


def status(server: Server, path: str) -> int:
    return requests.get(server.health_url + path, timeout=10).status_code


def wait_for_readiness(server: Server, expected: int) -> None:
    server.require(lambda: status(server, "/ready") == expected, NOTICED_S, f"/ready is {expected}")


def is_listening(server: Server) -> bool:
    try:
        return bool(status(server, "/live"))
    except requests.ConnectionError:
        return False


def test_startup_comes_true_with_the_first_known_answer(sample_archive: Path) -> None:
    with started_server([sample_archive]) as server:
        server.require(lambda: is_listening(server), NOTICED_S, "probes are answered")
        assert [status(server, path) for path in ("/startup", "/live", "/ready")] == [503, 200, 503]
        server.wait_for_log("berth: ready")
        assert [status(server, path) for path in ("/startup", "/live", "/ready")] == [200, 200, 200]


def test_a_busy_worker_is_ready_and_a_hanging_or_dead_one_is_not(sample_archive: Path) -> None:
    with running_server([sample_archive]) as server:
        _stays_ready_under_load(server)
        (pid,) = server.worker_pids()
        os.kill(pid, signal.SIGSTOP)
        wait_for_readiness(server, 503)
        assert "hangs" in requests.get(f"{server.health_url}/ready", timeout=10).json()["reason"]
        assert [status(server, path) for path in ("/startup", "/live")] == [200, 200]
        os.kill(pid, signal.SIGCONT)
        wait_for_readiness(server, 200)
        os.kill(pid, signal.SIGKILL)
        wait_for_readiness(server, 503)
        wait_for_readiness(server, 200)


def _stays_ready_under_load(server: Server) -> None:
    """Requests that take longer together than a hanging worker is given."""
    body = {"inputs": ["all of it is about water " * 60] * MAX_INPUTS_PER_REQUEST}
    url = f"{server.inference_url}/predictions/bert"
    with ThreadPoolExecutor() as pool:
        answers = [pool.submit(requests.post, url, json=body, timeout=120) for _ in range(2)]
        seen = set()
        while not all(answer.done() for answer in answers):
            seen.add(status(server, "/ready"))
            wait_until(lambda: all(answer.done() for answer in answers), 0.5)
    assert {answer.result().status_code for answer in answers} == {200}
    assert seen == {200}


def test_a_server_that_stops_is_not_ready_from_the_signal_on(sample_archive: Path) -> None:
    with running_server([sample_archive]) as server:
        server.java.suspend()  # so that there is a while to ask in
        server.process.send_signal(signal.SIGTERM)
        wait_for_readiness(server, 503)
        assert requests.get(f"{server.health_url}/ready", timeout=10).json()["reason"] == "berth is stopping"
        server.java.resume()
        assert server.wait_for_end() == 0
