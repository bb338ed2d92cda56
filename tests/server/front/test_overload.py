"""More requests than a server can answer, a real one whose log is JSON: each is answered or refused, and counted."""

import json
import re
import socket
import struct
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import grpc
import pytest
import requests

from berth.clients.grpc_client import GrpcClient
from berth.errors import BerthError
from berth.front.config import RUNTIME
from berth.front.runtime import ask
from berth.tune.open_loop import OpenLoop, run_open_loop
from tests.support.front.haproxy import needs_haproxy
from tests.support.servers import Server, started_server

pytestmark = [pytest.mark.server, needs_haproxy]
TEXT = "a boat that nobody should find in the log, number"
NUM_CALLS, CONNECTED_S = 20, 60.0
RATE, DURATION_S = 1500, 3.0  # some ten times what two cores answer
REFUSED = re.compile(r'berth_front_refusals_total\{model_name="bert",model_version="1.0",reason="overloaded"\} (\d+)')


@pytest.fixture(scope="module")
def server(sample_archive: Path) -> Iterator[Server]:
    with started_server([sample_archive], {"BERTH_LOG_FORMAT": "json"}) as started:
        started.wait_for_log('"message": "ready: ')
        yield started


def log_lines(server: Server) -> list[dict[str, Any]]:
    written, _, _ = server.log.rpartition("\n")  # the last line may be a half one
    return [json.loads(line) for line in written.splitlines()]


def access_lines(server: Server) -> list[dict[str, Any]]:
    return [line for line in log_lines(server) if line["source"] == "front"]


def num_refused(server: Server) -> int:
    found = REFUSED.search(requests.get(f"{server.health_url}/metrics", timeout=10).text)
    assert found
    return int(found[1])


def num_dropped(server: Server) -> int:
    """Lines that HAProxy did not write, because on a machine that is busy nobody read them in time."""
    (runtime,) = server.temp.glob(f"berth-*/f*/{RUNTIME}")
    found = re.search(r"^DroppedLogs: (\d+)$", ask(runtime, "show info"), re.MULTILINE)
    assert found
    return int(found[1])


def test_every_request_is_answered_or_refused(server: Server) -> None:
    url = f"{server.inference_url}/predictions/bert"
    bodies = [json.dumps({"inputs": f"{TEXT} {number}"}).encode() for number in range(500)]
    before = len(access_lines(server)), num_refused(server)
    load = OpenLoop(
        url=url,
        bodies=bodies,
        arrivals_s=[number / RATE for number in range(round(RATE * DURATION_S))],
        headers={"x-timeout-ms": "2000", "traceparent": "t-1"},
    )
    sent = run_open_loop(load)
    ends = Counter(each.status for each in sent)
    assert ends[200] + ends[503] == len(sent) == round(RATE * DURATION_S), ends
    assert ends[200] > 0
    assert num_refused(server) - before[1] <= ends[503]  # others came to the handler too late
    assert all(b"retry-after: " in each.head.lower() for each in sent if each.status == 503)
    assert not any(b"connection: close" in each.head.lower() for each in sent)
    server.require(lambda: len(access_lines(server)) + num_dropped(server) >= before[0] + len(sent), 30.0, "its lines")
    lines = [line for line in access_lines(server) if line["traceparent"] == "t-1"]
    statuses, dropped = Counter(line["status"] for line in lines), num_dropped(server)
    assert all(0 <= ends[status] - statuses[status] <= dropped for status in ends), (ends, statuses, dropped)
    assert sum(line["tokens"] > 0 for line in lines) == statuses[200]
    assert len({line["id"] for line in lines}) == len(lines)
    assert TEXT not in server.log


def test_a_client_that_resets_leaves_no_stack_trace(server: Server) -> None:
    before = len(log_lines(server))
    request = b"POST /predictions/bert HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\nboat"
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.ports["inference"])) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() resets
            connection.sendall(request)
    requests.post(f"{server.inference_url}/predictions/bert", json={"inputs": "boat"}, timeout=60).raise_for_status()
    sources = {line["source"] for line in log_lines(server)[before:]}
    assert sources <= {"front"}


def test_ids_come_back_and_are_in_the_log(server: Server) -> None:
    headers = {"x-request-id": "r-17", "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    answer = requests.post(f"{server.inference_url}/predictions/bert", json={"inputs": 5}, headers=headers, timeout=60)
    assert {name: answer.headers[name] for name in headers} == headers
    server.require(lambda: any(line["id"] == "r-17" for line in access_lines(server)), 10.0, "the line")
    (line,) = [line for line in access_lines(server) if line["id"] == "r-17"]
    assert (line["status"], line["model"], line["traceparent"]) == (422, "bert", headers["traceparent"])


def test_grpc_calls_are_refused_in_grpcs_own_words(server: Server) -> None:
    """Of twenty at once one is let in, for it is alone, and the others have no time to wait for it."""
    (runtime,) = server.temp.glob(f"berth-*/f*/{RUNTIME}")

    together = Barrier(NUM_CALLS)

    def call(number: int) -> str:
        with GrpcClient(f"127.0.0.1:{server.grpc_port}", timeout_s=20.0) as client:
            grpc.channel_ready_future(client._channel).result(CONNECTED_S)
            together.wait(CONNECTED_S)
            try:
                client.predict(f"boat {number} " * 200, model="bert")  # which takes long
            except BerthError as error:
                return str(error)
        return "answered"

    ask(runtime, "set table admitted key model-* data.gpt0 60000000")  # a minute for each
    with ThreadPoolExecutor(NUM_CALLS) as pool:
        ends = Counter(pool.map(call, range(NUM_CALLS)))
    assert ends.pop("answered", 0) >= 1, ends
    assert ends
    assert all("more requests wait than the model can answer" in end for end in ends)
