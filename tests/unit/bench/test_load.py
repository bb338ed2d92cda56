"""The load generator against a real HTTP server on this machine."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.cpu import CpuShares
from bench.load import Exchange, LoadPlan, LoadPool, LoadResult, apply_load, select_measured, split_plan
from berth.errors import BerthError

TEXTS = ["one", "two", "three", "large"]
CPU = CpuShares(client=0.1, others=0.2)


class Echo(BaseHTTPRequestHandler):
    """Answers with the text it was sent, in chunks for the text `large`; 503 for the text `bad`."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        text = json.loads(self.rfile.read(int(self.headers["content-length"])))["inputs"]
        body = json.dumps(text).encode()
        self.send_response(503 if text == "bad" else 200)
        if text == "large":
            self.send_header("transfer-encoding", "chunked")
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:3], body[3:], b""))
        else:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/predictions/bert"
        server.shutdown()
        thread.join()


def make_plan(url: str, texts: list[str]) -> LoadPlan:
    return LoadPlan(url=url, texts=texts, clients=4, warm_up_s=0.1, duration_s=0.2)


def loads(plan: LoadPlan) -> Iterator[LoadResult]:
    """One after the other: on a busy machine a short one may have few answers."""
    return (apply_load(plan) for _ in range(200))


def test_every_text_comes_back_to_its_own_exchange(url: str) -> None:
    missing = set(TEXTS)
    for result in loads(make_plan(url, TEXTS)):
        assert result.num_errors == 0
        assert all(json.loads(exchange.body) == exchange.text for exchange in result.exchanges)
        assert all(b" 200 OK\r\n" in exchange.head for exchange in result.exchanges)
        assert all(0.1 <= exchange.answered_s < 0.1 + 0.2 for exchange in result.exchanges)
        missing -= {exchange.text for exchange in result.exchanges}
        if not missing:
            break
    assert missing == set()


def test_errors_are_counted(url: str) -> None:
    result = apply_load(replace(make_plan(url, ["one", "bad"]), duration_s=60.0))
    assert result.num_errors == 4  # each client stops at its first


def test_a_patient_client_asks_again(url: str) -> None:
    plan = replace(make_plan(url, ["one", "bad"]), is_patient=True)
    result = next(each for each in loads(plan) if each.num_errors > 4 and each.exchanges)
    assert {exchange.text for exchange in result.exchanges} == {"one"}


def test_several_processes_share_the_clients(url: str) -> None:
    bodies = {"1": b'{"inputs": "other"}'}
    plan = replace(make_plan(url, list(bodies)), to_body=bodies.__getitem__, keeps_bodies=False)
    with LoadPool(2) as pool:
        result = next(each for each in (pool.apply(plan) for _ in range(200)) if each.exchanges)
    assert result.num_errors == 0
    assert {(exchange.text, exchange.body) for exchange in result.exchanges} == {("1", b"")}


def test_processes_begin_at_different_texts_and_share_all_clients() -> None:
    plan = LoadPlan(url="", texts=list("abcd"), clients=3, warm_up_s=0.0, duration_s=1.0)
    split = split_plan(plan, 2)
    assert [(part.clients, "".join(part.texts)) for part in split] == [(2, "abcd"), (1, "cdab")]
    assert len(split_plan(plan, 8)) == 3


def test_a_server_that_is_not_there_is_an_error() -> None:
    with pytest.raises(BerthError, match="cannot be reached"):
        apply_load(make_plan("http://127.0.0.1:1/predictions/bert", TEXTS))


def test_only_good_answers_in_the_measured_time_count() -> None:
    plan = LoadPlan(url="", texts=TEXTS, clients=1, warm_up_s=1.0, duration_s=2.0)
    result = select_measured(
        [exchange(0.9), exchange(1.0), exchange(2.9), exchange(3.0), exchange(2.0, 503)], plan, CPU
    )
    assert [item.answered_s for item in result.exchanges] == [1.0, 2.9]
    assert (result.num_errors, result.duration_s, result.cpu) == (1, 2.0, CPU)


def exchange(answered_s: float, status: int = 200) -> Exchange:
    return Exchange(text="one", sent_s=answered_s - 0.5, answered_s=answered_s, status=status, body=b"")
