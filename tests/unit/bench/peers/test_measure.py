"""Arrivals, texts and figures of one measurement; loads and checks against a real HTTP server on this machine."""

import json
import statistics
from collections.abc import Iterator

import pytest

from bench.cpu import CpuShares
from bench.load import Exchange, LoadResult
from bench.peers.measure.cell import Work, closed_figures, open_figures
from bench.peers.measure.checking import Void, check_answers, cosine
from bench.peers.measure.mixes import LOGNORMAL, MIXES, count_tokens, make_mix, real_texts
from bench.peers.measure.wrk import count_by_wrk, find_wrk, read_rate
from bench.peers.peer import Peer
from bench.texts import num_tokens
from bench.work import EncoderShape
from berth.errors import BerthError
from berth.sources.sample import installed_folder
from berth.tune.open_loop import Sent
from tests.support.http_standin import JsonHandler, answering

from .conftest import ONE, never

CPU = CpuShares(client=0.01, others=0.25)
SHAPE = EncoderShape(layers=6, hidden=384, intermediate=1536)
VECTORS = {"one": [1.0, 0.0], "two": [0.0, 2.0], "wrong": [1.0, 0.1]}


class Vectors(JsonHandler):
    """Answers with a text's vector; 503 for a text that has none."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        text = json.loads(self.rfile.read(int(self.headers["content-length"])))["inputs"]
        self.answer(200 if text in VECTORS else 503, VECTORS.get(text))


@pytest.fixture
def url() -> Iterator[str]:
    with answering(Vectors) as server:
        yield f"{server}/predict"


def make_peer(precision: str = "fp32") -> Peer:
    return Peer(name="one", precision=precision, settings=[ONE], prepare=never)


@pytest.mark.parametrize("mix", MIXES)
def test_texts_have_the_tokens_that_their_mix_names(mix: str) -> None:
    texts = make_mix(mix, installed_folder())
    tokens = list(count_tokens(installed_folder(), texts).values())
    bounds = {"short, 6-18": (6, 18), "uniform, 8-256": (8, 256), "all 512": (512, 512), LOGNORMAL: (3, 128)}
    low, high = bounds.get(mix, (3, 200))
    assert (min(tokens) >= low, max(tokens) <= high) == (True, True)
    assert len(set(texts)) > 500  # a peer that computes equal texts of a batch once gains nothing
    if mix == LOGNORMAL:
        assert statistics.mean(tokens) == pytest.approx(24, abs=1)
    if mix in bounds:
        assert all(num_tokens(text) == count for text, count in zip(dict.fromkeys(texts), tokens, strict=True))


def test_real_texts_are_those_of_the_example() -> None:
    assert "please refund order 8812" in real_texts("train")


def test_right_answers_are_taken_and_wrong_ones_void_the_peer(url: str) -> None:
    assert check_answers(make_peer(), url, {"one": [2.0, 0.0], "two": [0.0, 1.0]}) == pytest.approx(1.0)
    with pytest.raises(Void, match=r"cosine to the bare model's is 0.9950; 0.999 is needed"):
        check_answers(make_peer(), url, {"one": [1.0, 0.0], "wrong": [1.0, 0.0]})
    assert check_answers(make_peer("int8"), url, {"wrong": [1.0, 0.0]}) == pytest.approx(0.995, abs=1e-4)
    with pytest.raises(Void, match="answered with 503"):
        check_answers(make_peer(), url, {"none": [1.0, 0.0]})


def test_vectors_of_other_lengths_are_not_near() -> None:
    assert cosine([1.0], [1.0, 0.0]) == -1.0


def test_a_list_of_one_is_asked_for_and_read() -> None:
    peer = Peer(name="lists", precision="fp32", settings=[ONE], prepare=never, takes_lists=True)
    assert peer.to_body("a ship") == b'{"inputs": ["a ship"]}'
    assert peer.to_vector(b"[[0.5, 1.0]]") == [0.5, 1.0]
    assert make_peer().to_vector(b"[0.5, 1.0]") == [0.5, 1.0]


def test_figures_of_a_closed_loop() -> None:
    exchanges = [Exchange(text="a", sent_s=0.0, answered_s=0.1 * (at + 1), status=200, body=b"") for at in range(4)]
    result = LoadResult(exchanges=exchanges, duration_s=2.0, num_errors=1, cpu=CPU)
    figures = closed_figures(result, Work(shape=SHAPE, tokens={"a": 22}))
    assert (figures["requests"], figures["errors"], figures["rps"]) == (4, 1, 2.0)
    assert figures["useful_gflops"] == pytest.approx(2 * SHAPE.gflop(22))
    assert figures["p50_ms"] == pytest.approx(200)
    assert figures["p99_ms"] == pytest.approx(400)


def test_figures_of_an_open_loop_count_what_was_refused() -> None:
    sent = [Sent(due_s=0.0, answered_s=0.5, status=200), Sent(due_s=1.0, answered_s=2.0, status=200), Sent(due_s=1.5)]
    figures = open_figures(sent, CPU)
    assert (figures["requests"], figures["errors"], figures["rps"]) == (2, 1, 1.0)
    assert (figures["p50_ms"], figures["p99_ms"]) == (500.0, 1000.0)


def test_an_open_loop_without_an_answer_has_no_latency() -> None:
    assert open_figures([Sent(due_s=0.0)], CPU)["requests"] == 0


WRK = """Running 1s test @ http://127.0.0.1:1/predict
  1 threads and 32 connections
  400 requests in 2.00s, 81.00KB read
Requests/sec:    199.50
Transfer/sec:     40.40KB
"""


def test_the_rate_that_wrk_prints_is_read() -> None:
    assert read_rate(WRK) == 199.5
    with pytest.raises(BerthError, match="Non-2xx or 3xx responses: 3"):
        read_rate(WRK + "  Non-2xx or 3xx responses: 3\n")


@pytest.mark.skipif(not find_wrk(), reason="wrk is not installed: apt-get install wrk")
def test_wrk_sends_every_text(url: str) -> None:
    good, bad = ([json.dumps({"inputs": text}).encode() for text in texts] for texts in (("one", "two"), ("one", "no")))
    wrk = find_wrk() or ""
    assert count_by_wrk(wrk, url, good, 2, 1) > 0
    with pytest.raises(BerthError, match="Non-2xx"):
        count_by_wrk(wrk, url, bad, 2, 1)
