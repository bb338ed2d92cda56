"""The open loop against a real HTTP server on this machine; nothing here goes by the clock but the order of things."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from berth.errors import BerthError, UsageError
from berth.tune.open_loop import LOST, OpenLoop, poisson, run_open_loop
from berth.tune.trial import BURST, LEAST_REQUESTS, Load
from tests.support.http_standin import JsonHandler, answering

BODIES = [b"one", b"two", b"bad", b"mute"]


class Door(JsonHandler):
    """Answers 200, to `bad` 422; closes the connection at `mute`."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        body = self.rfile.read(int(self.headers["content-length"]))
        seen.append(body)
        if body == b"mute":
            self.close_connection = True
        else:
            self.answer(422 if body == b"bad" else 200, body.decode())


seen: list[bytes] = []


@pytest.fixture
def url() -> Iterator[str]:
    seen.clear()
    with answering(Door) as server:
        yield f"{server}/x"


def test_every_request_is_sent_and_its_end_is_known(url: str) -> None:
    sent = run_open_loop(OpenLoop(url=url, bodies=BODIES, arrivals_s=[number / 200 for number in range(20)]))
    assert [each.status for each in sent] == [200, 200, 422, LOST] * 5
    assert sorted(seen) == sorted(BODIES * 5)
    dues = [each.due_s for each in sent]
    assert [late - early for early, late in pairwise(dues)] == pytest.approx([0.005] * 19)
    assert all(each.latency_s > 0 for each in sent if each.status != LOST)


def test_arrivals_of_a_poisson_process() -> None:
    arrivals = poisson(100.0, 50.0, seed=1)
    assert arrivals == sorted(arrivals) == poisson(100.0, 50.0, seed=1) != poisson(100.0, 50.0, seed=2)
    assert arrivals[-1] < 50.0
    gaps = [late - early for early, late in pairwise(arrivals)]
    mean = sum(gaps) / len(gaps)
    assert mean == pytest.approx(0.01, rel=0.1)
    assert sum((gap - mean) ** 2 for gap in gaps) / len(gaps) == pytest.approx(mean**2, rel=0.15)  # as exponential ones


def test_a_burst_is_answered_and_texts_go_on_where_it_ended(url: str) -> None:
    bodies = [str(number).encode() for number in range(BURST + 1)]
    load = Load(url, bodies)
    assert load.burst() > 0
    assert sorted(seen) == sorted(bodies[:BURST])
    load.burst()
    assert seen.count(bodies[-1]) == 1
    assert seen.count(bodies[BURST - 1]) == 1


def test_a_step_has_enough_requests_for_its_percentile(url: str) -> None:
    step = Load(url, [b"one"]).measure(400.0)
    assert (step.rate, step.num_errors) == (400.0, 0)
    assert len(seen) > LEAST_REQUESTS
    assert 0 < step.p50_ms <= step.p99_ms


def test_a_text_that_is_refused_is_named(url: str) -> None:
    with pytest.raises(UsageError, match="text 3 got the status 422; `berth predict` shows"):
        Load(url, BODIES).burst()


def test_a_server_that_answers_nothing_is_an_error() -> None:
    with pytest.raises(BerthError, match="answered no request"):
        Load("http://127.0.0.1:1/x", [b"one"]).burst()
