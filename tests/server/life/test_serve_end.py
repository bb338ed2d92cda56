"""Every way in which a server ends: asked to, forced to, killed; and that nothing of it stays."""

import os
import signal
import socket
from pathlib import Path

import pytest

from berth.serve.run import START_DRAIN_S
from tests.support.servers import END_S, Server, running_server, session_pids, started_server
from tests.support.standin import NEVER_LOADS, make_standin

pytestmark = pytest.mark.server


def assert_nothing_left(server: Server, leaders: tuple[int, int]) -> None:
    server.require(lambda: not session_pids(*leaders), END_S, "the sessions of java and of the forks are empty")


def test_sigterm_to_the_group_twice_is_a_clean_stop(tmp_path: Path) -> None:
    with running_server([make_standin(tmp_path)]) as server:
        leaders = server.leaders
        assert len(session_pids(*leaders)) == 4  # java, a berth-python, what forks, and the worker
        os.killpg(server.process.pid, signal.SIGTERM)
        os.killpg(server.process.pid, signal.SIGTERM)
        assert server.wait_for_end() == 0
        assert "berth: stopped" in server.log
        assert session_pids(*leaders) == []
        assert list(server.temp.iterdir()) == []


def test_one_sigint_is_a_clean_stop(tmp_path: Path) -> None:
    with running_server([make_standin(tmp_path)]) as server:
        leaders = server.leaders
        server.process.send_signal(signal.SIGINT)
        assert server.wait_for_end() == 0
        assert session_pids(*leaders) == []


def test_a_second_sigint_forces(tmp_path: Path) -> None:
    with running_server([make_standin(tmp_path)]) as server:
        leaders = server.leaders
        server.java.suspend()  # one that does not react to SIGTERM
        server.process.send_signal(signal.SIGINT)
        server.wait_for_log("berth: stopping")
        server.process.send_signal(signal.SIGINT)
        assert server.wait_for_end() == 130
        assert session_pids(*leaders) == []
        assert list(server.temp.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_ready_is_a_clean_stop(tmp_path: Path, number: signal.Signals) -> None:
    """Also where a client has sent a request already, which nobody will answer."""
    with started_server([make_standin(tmp_path, NEVER_LOADS)]) as server, socket.socket() as client:
        server.wait_for_log("Model server started")
        leaders = server.leaders
        client.connect(("127.0.0.1", server.ports["inference"]))
        client.sendall(b"GET /predictions/bert HTTP/1.1\r\nhost: berth\r\n\r\n")
        server.require(lambda: server.describe()["jobQueueStatus"]["pendingRequests"] > 0, END_S, "it is queued")
        server.process.send_signal(number)
        assert server.wait_for_end(START_DRAIN_S + END_S) == 0
        assert "berth: ready" not in server.log
        assert session_pids(*leaders) == []
        assert list(server.temp.iterdir()) == []


@pytest.mark.parametrize("moment", ["settings from", "memory: at most", "no API key"])
def test_a_signal_before_java_listens_is_a_clean_stop(tmp_path: Path, moment: str) -> None:
    with started_server([make_standin(tmp_path)]) as server:
        server.wait_for_log(moment)
        server.process.send_signal(signal.SIGTERM)
        assert server.wait_for_end() == 0
        assert "Traceback" not in server.log
        assert list(server.temp.iterdir()) == []


def test_a_killed_berth_takes_its_server_along(tmp_path: Path) -> None:
    """Also a worker that hangs, which would never notice; and the next server clears its folder away."""
    archives = [make_standin(tmp_path)]
    with running_server(archives) as server:
        leaders = server.leaders
        os.kill(server.worker_pids()[0], signal.SIGSTOP)
        server.process.kill()
        assert_nothing_left(server, leaders)
        (left,) = server.temp.iterdir()
        shared = {"TMPDIR": str(server.temp)}
        with running_server(archives, shared), running_server(archives, shared) as second:
            assert left not in server.temp.iterdir()
            assert len(list(server.temp.iterdir())) == 2
            assert second.worker_pids()


def test_a_java_that_ends_by_itself_is_an_error(tmp_path: Path) -> None:
    with running_server([make_standin(tmp_path)]) as server:
        leaders = server.leaders
        os.kill(leaders[0], signal.SIGKILL)
        assert server.wait_for_end() == 1
        assert "TorchServe ended by itself, exit code -9" in server.log
        assert session_pids(*leaders) == []


def test_what_forks_the_workers_may_not_end(tmp_path: Path) -> None:
    with running_server([make_standin(tmp_path)]) as server:
        leaders = server.leaders
        server.forks.kill()
        assert server.wait_for_end() == 1
        assert "the process that forks the workers ended by itself, exit code -9" in server.log
        assert session_pids(*leaders) == []
