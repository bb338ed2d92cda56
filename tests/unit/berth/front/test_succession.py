"""A front that another one takes over from, and a version beside the one that is served."""

import csv
import http.client
import io
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import requests

from berth.archive.served_model import ServedModel
from berth.front.front import gateway_settings
from berth.front.plan import SERVER, Beside
from berth.front.runtime import ask as ask_runtime
from berth.front.succession import Fronts, running_fronts
from berth.wait import wait_until
from tests.support.front.fronted import START_S, Echo, Fronted, ask, plan_before
from tests.support.front.haproxy import needs_haproxy
from tests.support.http_standin import answering


class NewEcho(Echo):
    """The server of version 2.0."""

    def answer(self, status: int, body: object, **headers: str) -> None:
        super().answer(status, {"version": "2.0", **body} if isinstance(body, dict) else body, **headers)


@needs_haproxy
def test_a_kept_connection_is_led_over_and_versions_find_their_server(tmp_path: Path) -> None:
    with answering(Echo) as old, answering(NewEcho) as new:
        plan = plan_before(old, tmp_path)
        second = replace(plan.behind, inference=replace(plan.behind.inference, port=int(new.rpartition(":")[2])))
        other = (ServedModel(name="bert", version="2.0", folder=tmp_path),)
        with running_fronts(plan, tmp_path) as fronts:
            assert wait_until(lambda: fronts.live.why_not_ready is None, START_S)
            server = Fronted(front=fronts.live, inference=plan.outside.inference, grpc_port=0)
            with closing(server.connect()) as kept:
                ask(kept)
                fronts.switch(replace(plan, beside=Beside(behind=second, models=other, percent=50)))
                assert wait_until(lambda: is_led_over(kept), START_S)
                versions = Counter(ask(kept)[2].get("version", "1.0") for _ in range(60))
                assert set(versions) == {"1.0", "2.0"}
            for base in ("/predictions/bert/{}", "/v2/models/bert/versions/{}/infer"):
                found = [server.ask(base.format(version))[2].get("version", "1.0") for version in ("1.0", "2.0")] * 3
                assert found == ["1.0", "2.0"] * 3
            for path in ("", "/ready", "/infer"):
                status, _, said = server.ask(f"/v2/models/bert/versions/3.0{path}", method="GET")
                assert (status, said["error"].rpartition(": ")[2]) == (404, "1.0, 2.0")
            assert not fronts.is_left(plan.behind)
            fronts.switch(replace(plan, behind=second, models=other))
            assert wait_until(lambda: fronts.is_left(plan.behind), START_S)
            assert server.ask("/predictions/bert")[2]["version"] == "2.0"
            asked = [server.ask(path)[2]["path"] for path in ("/predictions/bert?a=1", "/explanations/b%65rt/")]
            assert asked == ["/predictions/bert/2.0?a=1", "/explanations/bert/2.0"]
            fronts.look()
            assert [folder.name for folder in tmp_path.glob("f*")] == ["f3"]  # those that have ended leave nothing


@needs_haproxy
def test_what_the_gateway_answers_is_answered_through_every_switch(tmp_path: Path) -> None:
    with answering(Echo) as url:
        plan = plan_before(url, tmp_path)
        with running_fronts(plan, tmp_path) as fronts:
            assert wait_until(lambda: fronts.live.why_not_ready is None, START_S)
            with asking(f"{plan.outside.inference.url}/v2") as statuses:
                for max_requests in (9, 8):
                    fronts.switch(replace(plan, max_requests=max_requests))
    assert set(statuses) == {200}


def is_led_over(kept: http.client.HTTPConnection) -> bool:
    """Whether the old front has said so, with an answer."""
    status, headers, _ = ask(kept)
    assert status == 200
    return headers.get("connection") == "close"


def has_one(fronts: Fronts) -> bool:
    """Whether the former fronts have ended."""
    fronts.look()
    return not fronts._former


class Counting(Echo):
    """A TorchServe whose queue overflows where it has more than MOST requests at once; each takes some work."""

    lock, now, most = threading.Lock(), 0, 0

    def do_GET(self) -> None:  # noqa: N802 - the base class's name
        with Counting.lock:
            Counting.now += 1
            Counting.most = max(Counting.most, Counting.now)
        time.sleep(0.01)
        with Counting.lock:
            Counting.now -= 1
        self.do_POST()


@needs_haproxy
def test_two_fronts_never_send_one_torchserve_more_than_its_queue_holds(tmp_path: Path) -> None:
    with answering(Counting) as url:
        plan = replace(plan_before(url, tmp_path), max_requests=8)
        with running_fronts(plan, tmp_path) as fronts:
            assert wait_until(lambda: fronts.live.why_not_ready is None, START_S)
            with ExitStack() as clients:
                asked = [
                    clients.enter_context(asking(f"{plan.outside.inference.url}/predictions/bert")) for _ in range(24)
                ]
                assert wait_until(lambda: Counting.most == 8, START_S)
                for threads in (1, 2):
                    fronts.switch(replace(plan, threads=threads))
                    assert wait_until(lambda: has_one(fronts), START_S)
            assert {status for statuses in asked for status in statuses} == {200}
            assert Counting.most == 8
            limits = csv.DictReader(io.StringIO(ask_runtime(fronts.live.runtime, "show stat").removeprefix("# ")))
            assert [row["slim"] for row in limits if (row["pxname"], row["svname"]) == ("model-bert", SERVER)] == ["8"]


@contextmanager
def asking(url: str) -> Iterator[Counter[int]]:
    """Ask again and again, each time on a connection of its own, until the end of the block."""
    statuses: Counter[int] = Counter()
    stopped = threading.Event()

    def ask_on() -> None:
        while not stopped.is_set():
            statuses[requests.get(url, timeout=START_S).status_code] += 1

    thread = threading.Thread(target=ask_on)
    thread.start()
    try:
        yield statuses
    finally:
        stopped.set()
        thread.join()


def test_the_gateway_knows_the_versions_beside(tmp_path: Path) -> None:
    plan = plan_before("http://127.0.0.1:1", tmp_path)
    other = (ServedModel(name="bert", version="2.0", folder=tmp_path),)
    beside = replace(plan, beside=Beside(behind=plan.behind, models=other))
    assert [gateway_settings(each, tmp_path).models for each in (plan, beside)] == [
        {"bert": ["1.0"]},
        {"bert": ["1.0", "2.0"]},
    ]
    assert [list(gateway_settings(each, tmp_path).contents) for each in (plan, beside)] == [["bert/1.0"]] * 2


def test_no_version_has_the_backend_of_one_beside(tmp_path: Path) -> None:
    plan = plan_before("http://127.0.0.1:1", tmp_path)
    default, named, new = (ServedModel(name="bert", version=each, folder=tmp_path) for each in ("1.0", "beside", "2.0"))
    beside = replace(plan, models=(default, named), beside=Beside(behind=plan.behind, models=(new,)))
    assert [backend.name for backend in beside.backends] == ["model-bert", "model-bert:beside", "model-bert::beside"]
