"""The probes' server and `python -m berth.health`, both over a real socket."""

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests

from berth.clients.launcher import HEALTH_VARIABLE, Capacity, fetch_capacity, health_endpoint
from berth.errors import BerthError, UsageError
from berth.health.probe import probe
from berth.health.report import STARTING, STOPPING, Health, Report
from berth.health.server import HealthServer, listen
from tests.support.http_standin import JsonHandler, answering


@pytest.fixture
def server() -> Iterator[HealthServer]:
    with HealthServer("127.0.0.1", 0) as opened, opened.serving():
        yield opened


def url(server: HealthServer) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


def environment(server: HealthServer) -> dict[str, str]:
    return {HEALTH_VARIABLE: f"0.0.0.0:{server.server_address[1]}"}


def statuses(server: HealthServer) -> list[int]:
    return [requests.get(url(server) + path, timeout=5).status_code for path in ("/startup", "/live", "/ready")]


def test_a_server_that_starts_is_live_and_nothing_else(server: HealthServer) -> None:
    assert statuses(server) == [503, 200, 503]


def test_the_answers_follow_the_health(server: HealthServer) -> None:
    server.publish(Report(health=Health))
    assert statuses(server) == [200, 200, 200]
    server.publish(Report(health=lambda: Health(ready="a worker hangs", live="given up")))
    assert statuses(server) == [200, 503, 503]


def test_the_metrics_are_those_that_are_published(server: HealthServer) -> None:
    without = requests.get(f"{url(server)}/metrics", timeout=5)
    assert (without.status_code, "metrics_address" in without.json()["reason"]) == (404, True)
    server.publish(Report(metrics=lambda: "berth_front_connections 3\n"))
    found = requests.get(f"{url(server)}/metrics", timeout=5)
    assert (found.text, found.headers["content-type"]) == ("berth_front_connections 3\n", "text/plain; version=0.0.4")


def test_the_health_is_asked_for_each_probe(server: HealthServer) -> None:
    """Nobody publishes anything when the looks at the models end; that too has to show."""
    answers = iter((Health(), Health(ready="berth has not looked for 15 s")))
    server.publish(Report(health=lambda: next(answers)))
    assert probe("/ready", environment(server)) is None
    assert probe("/ready", environment(server)) == "berth has not looked for 15 s"


def test_the_capacity_is_told_once_it_is_known(server: HealthServer) -> None:
    assert fetch_capacity(environment(server)) is None
    capacity = Capacity(
        inference="http://127.0.0.1:8080",
        management="http://127.0.0.1:8081",
        models=("bert",),
        max_workers=2,
        reason="memory",
        budget_bytes=3,
        granted_bytes=4,
    )
    server.publish(Report(capacity=capacity))
    assert fetch_capacity(environment(server)) == capacity
    assert requests.get(f"{url(server)}/capacity", timeout=5).json()["max_workers"] == 2
    assert statuses(server) == [503, 200, 503]


@pytest.mark.parametrize("answer", [{}, [], {"management": "x"}, {"max_workers": "many", "models": 1}])
def test_a_strangers_capacity_is_none(answer: object) -> None:
    class Stranger(JsonHandler):
        def do_GET(self) -> None:  # noqa: N802 - the base class's name
            self.answer(200, answer)

    with answering(Stranger) as stranger:
        assert fetch_capacity({HEALTH_VARIABLE: stranger.removeprefix("http://")}) is None


def test_a_server_that_stops_is_not_ready_whatever_it_was(server: HealthServer) -> None:
    server.publish(Report(health=lambda: STOPPING))
    assert statuses(server) == [200, 200, 503]
    assert probe("/ready", environment(server)) == "berth is stopping"


def test_a_no_says_why(server: HealthServer) -> None:
    answer = requests.get(f"{url(server)}/ready?verbose", timeout=5)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"status": "unavailable", "reason": STARTING.ready}


def test_another_path_is_unknown(server: HealthServer) -> None:
    answer = requests.get(f"{url(server)}/ping", timeout=5)
    assert answer.status_code == 404
    assert "/ready" in answer.json()["reason"]


def test_a_silent_client_keeps_nobody_waiting(server: HealthServer) -> None:
    with contextlib.closing(socket.create_connection(("127.0.0.1", server.server_address[1]))):
        assert statuses(server) == [503, 200, 503]


def test_the_probe_goes_to_loopback_and_tells_the_reason(server: HealthServer) -> None:
    assert probe("/live", environment(server)) is None
    assert probe("/ready", environment(server)) == STARTING.ready
    assert "/startup" in str(probe("/other", environment(server)))


def test_the_probe_of_nobody() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # and nobody else can listen there
        port = held.getsockname()[1]
        assert "no berth answers at" in str(probe("/ready", {HEALTH_VARIABLE: f"127.0.0.1:{port}"}))


def test_the_probe_of_a_stranger() -> None:
    class Stranger(JsonHandler):
        def do_GET(self) -> None:  # noqa: N802 - the base class's name
            self.answer(404, ["not berth"])

    with answering(Stranger) as stranger:
        assert "is not berth's" in str(probe("/ready", {HEALTH_VARIABLE: stranger.removeprefix("http://")}))


def test_the_probe_as_a_command(server: HealthServer) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "berth.health", *arguments]
        environ = {**os.environ, **environment(server)}
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=30)

    assert (run("/live").returncode, run("/live").stderr) == (0, "")
    assert (run().returncode, run().stderr) == (1, f"/ready: {STARTING.ready}\n")


def test_it_needs_the_standard_library_only() -> None:
    program = "import json, sys, berth.health; print(json.dumps(sorted({n.split('.')[0] for n in sys.modules})))"
    ran = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True)
    assert set(json.loads(ran.stdout)) - sys.stdlib_module_names - {"__main__", "__mp_main__"} == {"berth"}


@pytest.mark.parametrize("value", ["8090", "host", "host:port", "host:99999", "", "host:1/path"])
def test_an_address_that_is_none(value: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT"):
        health_endpoint({HEALTH_VARIABLE: value})


def test_addresses() -> None:
    assert health_endpoint({}).url == "http://127.0.0.1:8090"
    assert health_endpoint({HEALTH_VARIABLE: "0.0.0.0:1"}).url == "http://127.0.0.1:1"
    assert health_endpoint({HEALTH_VARIABLE: "[::]:1"}).url == "http://[::1]:1"


def test_a_taken_address_names_the_variable(server: HealthServer) -> None:
    with pytest.raises(BerthError, match=HEALTH_VARIABLE):
        listen({HEALTH_VARIABLE: f"127.0.0.1:{server.server_address[1]}"})
