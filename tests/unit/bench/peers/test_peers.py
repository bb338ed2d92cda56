"""The table of peers, the starting and ending of servers, and what their programs share."""

import asyncio
import importlib.util
import socket
import sys

import psutil
import pytest

from bench.peers.catalogue import Program, all_peers, settings
from bench.peers.environments import REQUIREMENTS, CannotRun
from bench.peers.programs.batcher import Batcher
from bench.peers.programs.fastapi_app import listen
from bench.peers.programs.given import Given
from bench.peers.running import running
from berth.tune.ports import free_port
from berth.wait import wait_until

# Answers any POST, and has a child that would outlive it.
SERVER = """
import http.server, subprocess, sys
class Yes(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(200); self.end_headers(); self.wfile.write(str(child.pid).encode())
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Yes).serve_forever()
"""


def test_every_peer_has_its_own_name_and_settings() -> None:
    peers = all_peers()
    assert len({peer.name for peer in peers}) == len(peers) >= 12
    assert all(peer.settings for peer in peers)
    assert {setting.workers * setting.threads for setting in settings(1, 32)} == {settings(1)[0].threads}


def test_every_program_and_its_pins_are_there() -> None:
    programs = [peer.prepare.__self__ for peer in all_peers() if hasattr(peer.prepare, "__self__")]
    assert len(programs) == 9
    for program in programs:
        assert isinstance(program, Program)
        assert importlib.util.find_spec(f"bench.peers.programs.{program.module}")
        assert "==" in (REQUIREMENTS / f"{program.environment}.txt").read_text("utf-8")


def test_a_server_that_ends_is_a_reason_with_its_last_words() -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no model of that name')"]
    with pytest.raises(CannotRun, match="no model of that name"), running(command, {}, "http://127.0.0.1:9", b""):
        pass


def test_a_server_and_all_that_it_started_are_ended() -> None:
    port, others = free_port(), set(psutil.Process().children(recursive=True))
    with running([sys.executable, "-c", SERVER, str(port)], {}, f"http://127.0.0.1:{port}/", b"") as url:
        assert url.endswith(f":{port}/")
        below = set(psutil.Process().children(recursive=True)) - others
        assert len(below) >= 2
    assert wait_until(lambda: all(map(is_gone, below)), 60.0), below


def is_gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_what_a_program_is_given_it_reads() -> None:
    given = Given(folder="/a b", backend="onnx-int8", port=1, workers=2, threads=1, batch=8)
    environment = given.to_environment()
    assert Given.read(environment) == given
    assert environment["OMP_NUM_THREADS"] == "1"


def test_processes_share_a_port_and_answers_do_not_wait_for_more_bytes() -> None:
    with listen(free_port()) as first:
        first.listen()
        with listen(first.getsockname()[1]) as second:
            second.listen()
            assert first.getsockname() == second.getsockname()
            assert (
                second.proto == socket.IPPROTO_TCP
            )  # without it asyncio leaves Nagle's delay on: 40 ms for a lone one


def ask_all(batcher: Batcher, texts: list[str]) -> list[object]:
    async def ask() -> list[object]:
        return list(await asyncio.gather(*map(batcher.ask, texts), return_exceptions=True))

    return asyncio.run(ask())


def test_what_waits_becomes_the_next_batch_and_each_gets_its_own_answer() -> None:
    batches: list[int] = []

    def encode(texts: list[str]) -> list[list[float]]:
        batches.append(len(texts))
        return [[float(text)] for text in texts]

    assert ask_all(Batcher(encode, 4), [str(number) for number in range(10)]) == [[float(at)] for at in range(10)]
    assert (sum(batches), max(batches)) == (10, 4)


def test_an_error_reaches_everybody_in_its_batch() -> None:
    def encode(texts: list[str]) -> list[list[float]]:
        raise ValueError(f"not {texts}")

    assert [str(error) for error in ask_all(Batcher(encode, 8), ["a", "b"])] == ["not ['a', 'b']"] * 2
