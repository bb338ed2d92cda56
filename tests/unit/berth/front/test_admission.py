"""Who is let in by a real HAProxy, before a server that answers when the test says so."""

import http.client
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import ClassVar

import pytest
import requests

from berth.front.admission import SILENCE, TABLE, WRAP_MS
from berth.front.reports.counters import read_counters
from berth.front.reports.histogram import SUM_S, SUM_US
from berth.wait import wait_until
from tests.support.front.haproxy import KEYS_OF_ERRORS, WAIT_S, Front, front_before, needs_haproxy
from tests.support.http_standin import JsonHandler, answering

pytestmark = needs_haproxy
SECOND_US = 1_000_000


class Held(JsonHandler):
    """Answers with the headers that it got, once the gate is open."""

    protocol_version = "HTTP/1.1"
    gate = threading.Event()
    first = threading.Event()
    """Lets the request go that is called so, alone."""
    arrived: ClassVar[list[str | None]] = []

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        self.rfile.read(int(self.headers["content-length"]))
        name = self.headers.get("x-request-id")
        self.arrived.append(name)
        assert (self.first if name == "first" else self.gate).wait(WAIT_S)
        self.answer(200, {name.lower(): value for name, value in self.headers.items()})


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with (
        answering(Held) as url,
        front_before(url, tmp_path_factory.mktemp("front"), max_requests=2, names=("bert", "tiny")) as running,
    ):
        yield running


@pytest.fixture(autouse=True)
def gate(front: Front) -> Iterator[threading.Event]:
    """Closed, nobody is under way, and no cost is known."""
    front.wait_until_idle()  # or the entries that a request still holds would stay
    Held.gate.clear()
    Held.first.clear()
    Held.arrived.clear()
    for table in ("admitted", "answered", "refused"):
        front.ask(f"clear table {table}")
    yield Held.gate
    Held.gate.set()
    Held.first.set()


@pytest.fixture
def pool(gate: threading.Event) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(40) as threads:
        yield threads
        gate.set()


def post(front: Front, path: str = "/predictions/bert", **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(front.url + path, json={"inputs": "x"}, headers=named, timeout=WAIT_S)


def hold(front: Front, pool: ThreadPoolExecutor, number: int, **headers: str) -> list[Future[requests.Response]]:
    """So many more requests that are let in and wait."""
    queue = "model-bert/low" if "x_priority" in headers else "model-bert"
    expected = under_way(front, queue) + number
    waiting = [pool.submit(post, front, **headers) for _ in range(number)]
    assert wait_until(lambda: under_way(front, queue) == expected, WAIT_S), front.ask("show table admitted")
    return waiting


def entry(front: Front, queue: str, field: str, table: str = TABLE) -> int:
    shown = front.ask(f"show table {table} key {queue}")
    return int(shown.partition(f" {field}=")[2].split()[0]) if f" {field}=" in shown else 0


def under_way(front: Front, queue: str = "model-bert") -> int:
    return entry(front, queue, "conn_cur")


def silent_ms(front: Front) -> int:
    """Since an answer, or since a lone request came, by the clock that the front itself reads."""
    return (int(time.time() * 1000) - entry(front, "model-bert", "gpt0", SILENCE)) % WRAP_MS


def took_us(front: Front) -> int:
    """All answers together, as the front has counted it."""
    seconds, rest_us = (entry(front, "model-bert", f"gpt{number}", SILENCE) for number in (SUM_S, SUM_US))
    return seconds * SECOND_US + rest_us


def set_cost(front: Front, cost_us: int, queue: str = "model-bert") -> None:
    front.ask(f"set table admitted key {queue} data.gpt0 {cost_us}")


def forget_silence(front: Front) -> None:
    """As if it were not known since when nobody is answered: a busy machine takes long for what a test does."""
    assert front.ask("set table answered key model-bert data.gpt 0") == ""  # the first of its numbers


def test_what_cannot_be_answered_in_time_is_refused_at_once(front: Front, pool: ThreadPoolExecutor) -> None:
    (first,) = hold(front, pool, 1)
    set_cost(front, 2 * SECOND_US)
    refused = post(front, x_timeout_ms="5500")  # two requests of 2 s each, and as much to spare: 2.5 s too late
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "3")
    assert refused.json()["type"] == "Overloaded"
    second = pool.submit(post, front, x_timeout_ms="30000")
    assert wait_until(lambda: under_way(front) == 2, WAIT_S)
    Held.gate.set()
    assert [each.result().status_code for each in (first, second)] == [200, 200]


def test_refusals_keep_the_connection_and_are_counted(front: Front, pool: ThreadPoolExecutor) -> None:
    hold(front, pool, 1)
    set_cost(front, 60 * SECOND_US)
    before = read_counters(front.ask, "model-bert")
    with requests.Session() as session:
        answers = [session.post(f"{front.url}/predictions/bert", json={}, timeout=WAIT_S) for _ in range(5)]
    assert {(each.status_code, each.headers.get("connection")) for each in answers} == {(503, None)}
    table = front.ask("show table refused")
    assert re.findall(r"key=model-bert:overloaded use=\d exp=0 (.*)", table) == ["gpc0=5"]  # use: who still holds it
    after = read_counters(front.ask, "model-bert")
    assert (after.refused - before.refused, after.requests - before.requests) == (5, 0)  # a rollout is judged by it


@pytest.mark.parametrize(("path", "keys"), KEYS_OF_ERRORS.items())
def test_a_refusal_has_the_form_of_its_door(front: Front, pool: ThreadPoolExecutor, path: str, keys: set[str]) -> None:
    hold(front, pool, 1)
    set_cost(front, 60 * SECOND_US)
    assert set(post(front, path).json()) == keys


def test_a_lone_request_is_let_in_whatever_the_last_one_took(front: Front, gate: threading.Event) -> None:
    set_cost(front, 60 * SECOND_US)
    gate.set()
    assert post(front, x_timeout_ms="1000").status_code == 200


def test_where_nothing_is_known_all_are_let_in(front: Front, pool: ThreadPoolExecutor) -> None:
    waiting = hold(front, pool, 1, x_timeout_ms="1000")
    forget_silence(front)
    waiting += hold(front, pool, 29, x_timeout_ms="1000")
    assert wait_until(lambda: (len(Held.arrived), front.num_waiting()) == (2, 28), WAIT_S)
    Held.gate.set()
    assert {each.result().status_code for each in waiting} == {200}


def test_an_answer_teaches_what_a_request_costs(front: Front, gate: threading.Event) -> None:
    gate.set()
    set_cost(front, 30 * SECOND_US)
    post(front)
    assert 0 < entry(front, "model-bert", "gpt0") < 30 * SECOND_US


def test_a_quick_answer_shows_at_once_that_none_costs_more(front: Front, gate: threading.Event) -> None:
    """As after a batch of the largest requests: the next are small, and a burst of them must not be refused."""
    gate.set()
    set_cost(front, 30 * SECOND_US)
    for _ in range(20):
        post(front)
    assert entry(front, "model-bert", "gpt0") < 30 * SECOND_US * 0.75**20 + took_us(front)


def test_slow_answers_one_after_the_other_say_little_of_many_at_once(front: Front, pool: ThreadPoolExecutor) -> None:
    """Their time is that of an answer: whoever came with them in a batch would have had his at the same moment."""
    for _ in range(5):
        assert wait_until(lambda: under_way(front) == 0, WAIT_S)
        Held.gate.clear()
        (alone,) = hold(front, pool, 1)
        assert wait_until(lambda: silent_ms(front) > 20, WAIT_S)
        Held.gate.set()
        assert alone.result().status_code == 200
    assert 1 < entry(front, "model-bert", "gpt0") < took_us(front) / 1000


def test_where_nobody_has_been_answered_for_long_who_has_no_time_is_refused(
    front: Front, pool: ThreadPoolExecutor
) -> None:
    (first,) = hold(front, pool, 1)
    assert wait_until(lambda: silent_ms(front) > 100, WAIT_S)
    assert post(front, x_timeout_ms="50").status_code == 503
    patient = pool.submit(post, front, x_timeout_ms="300000")
    assert wait_until(lambda: under_way(front) == 2, WAIT_S)
    Held.gate.set()
    assert [each.result().status_code for each in (first, patient)] == [200, 200]
    assert post(front, x_timeout_ms="30000").status_code == 200


def test_low_priority_counts_everybody_and_is_refused_first(front: Front, pool: ThreadPoolExecutor) -> None:
    hold(front, pool, 6, x_priority="low")
    set_cost(front, SECOND_US)
    forget_silence(front)
    assert post(front, x_priority="low", x_timeout_ms="7000").status_code == 503  # 14 s
    normal = pool.submit(post, front, x_timeout_ms="7000")  # 6 s: two low ones are at the server already
    assert wait_until(lambda: under_way(front) == 1, WAIT_S)
    Held.gate.set()
    assert normal.result().status_code == 200


def test_low_priority_waits_behind_all_others(front: Front, pool: ThreadPoolExecutor) -> None:
    hold(front, pool, 1)
    pool.submit(post, front, x_request_id="first")
    assert wait_until(lambda: len(Held.arrived) == 2, WAIT_S)
    low = pool.submit(post, front, x_priority="low", x_request_id="low")
    assert wait_until(lambda: front.num_waiting() == 1, WAIT_S)
    normal = pool.submit(post, front, x_request_id="normal")
    assert wait_until(lambda: front.num_waiting() == 2, WAIT_S)
    Held.first.set()
    assert wait_until(lambda: Held.arrived[2:] == ["normal"], WAIT_S)
    Held.gate.set()
    assert (low.result().status_code, normal.result().status_code) == (200, 200)
    assert Held.arrived[2:] == ["normal", "low"]


def test_models_have_queues_of_their_own(front: Front, pool: ThreadPoolExecutor) -> None:
    hold(front, pool, 5)
    set_cost(front, 60 * SECOND_US)
    other = pool.submit(post, front, "/predictions/tiny")
    assert wait_until(lambda: under_way(front, "model-tiny") == 1, WAIT_S)
    Held.gate.set()
    assert other.result().status_code == 200


@pytest.mark.parametrize("value", ["0", "300001", "-5", "1.5", "soon", "1000000000000"])
def test_a_wrong_time_limit_is_named(front: Front, value: str) -> None:
    refused = post(front, x_timeout_ms=value)
    assert (refused.status_code, refused.json()["type"]) == (400, "InvalidInput")
    assert "from 1 to 300000" in refused.json()["message"]


def test_a_wrong_priority_is_named(front: Front) -> None:
    refused = post(front, x_priority="urgent")
    assert (refused.status_code, refused.json()["message"]) == (400, "x-priority is low or normal")


@pytest.mark.parametrize(("headers", "limit_ms"), [({}, 30_000), ({"x_timeout_ms": "2000"}, 2000)])
def test_the_handler_is_told_the_deadline(
    front: Front, gate: threading.Event, headers: dict[str, str], limit_ms: int
) -> None:
    gate.set()
    before_ms = time.time() * 1000
    told = int(post(front, x_deadline_ms="17", **headers).json()["x-deadline-ms"])
    assert before_ms - 1000 < told - limit_ms < time.time() * 1000 + 1000


def test_who_hangs_up_while_he_waits_is_not_asked_about(front: Front, pool: ThreadPoolExecutor) -> None:
    hold(front, pool, 2)
    set_cost(front, SECOND_US)
    with closing(http.client.HTTPConnection(front.url.removeprefix("http://"))) as client:
        client.request("POST", "/predictions/bert", body=b"{}")
        assert wait_until(lambda: front.num_waiting() == 1, WAIT_S)
    assert wait_until(lambda: under_way(front) == 2, WAIT_S)
    assert entry(front, "model-bert", "gpt0") == SECOND_US  # nothing was learnt of it
    Held.gate.set()
    assert wait_until(lambda: under_way(front) == 0, WAIT_S)
    assert len(Held.arrived) == 2
