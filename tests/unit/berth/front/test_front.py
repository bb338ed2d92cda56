"""A running front says why clients do not reach the models, and ends once they have their answers."""

import csv
import http.client
import json
import signal
import tempfile
from pathlib import Path

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub

from berth.front.config import INSIDE
from berth.front.front import Front
from berth.front.keys import KeySource
from berth.front.runtime import ask
from berth.wait import wait_until
from tests.support.front.fronted import fronted
from tests.support.front.gateway import accepts
from tests.support.front.haproxy import needs_haproxy

WAIT_S = 60.0  # of a busy machine
BEGIN = b"POST /predictions/bert HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


@needs_haproxy
def test_a_gateway_that_hangs_is_not_ready_though_it_can_be_connected_to() -> None:
    with fronted() as server:
        server.front.gateway.send(signal.SIGSTOP)
        assert server.front.why_not_ready == "the gateway is not running"
        server.front.gateway.send(signal.SIGCONT)
        server.require_ready()


@needs_haproxy
def test_a_front_that_ends_answers_what_the_gateway_has_not_asked_yet() -> None:
    body = b" " * 80_000  # in chunks the gateway reads it to its end, and asks then
    with fronted() as server, server.open_socket() as client:
        inside = str(server.front.runtime.with_name(INSIDE))
        client.sendall(BEGIN + b"%x\r\n%b" % (len(body), body))
        assert wait_until(lambda: num_streams(server.front) == 1, WAIT_S)
        server.front.close()
        assert wait_until(lambda: not accepts(inside), WAIT_S)
        client.sendall(b"\r\n0\r\n\r\n")
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert (answer.status, json.loads(answer.read())["length"]) == (200, len(body))


def num_streams(front: Front) -> int:
    """Requests that the front has passed on."""
    rows = csv.DictReader(ask(front.runtime, "show stat").removeprefix("# ").splitlines())
    return sum(int(row["scur"]) for row in rows if row["svname"] == "BACKEND")


@needs_haproxy
def test_a_run_folder_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = tmp_path / "a b,(c)#'\"$d"
    odd.mkdir()
    keys = tmp_path / "keys"
    keys.write_text("ada open-sesame\n")
    monkeypatch.setattr(tempfile, "tempdir", str(odd))
    with fronted(KeySource(file=keys, text="")) as server:
        assert server.ask(key="open-sesame")[0] == 200
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
            HealthStub(channel).Check(HealthCheckRequest(), timeout=WAIT_S)
        keys.write_text("ada another\n")
        server.front.look()
        assert [server.ask(key=key)[0] for key in ("open-sesame", "another")] == [401, 200]
