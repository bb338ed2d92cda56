"""The front's numbers, of a real HAProxy, in promtool's eyes."""

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest
import requests

from berth.archive.served_model import ServedModel
from berth.front.plan import BESIDE, Backend
from berth.front.refusals import GRPC_REFUSALS
from berth.front.reports.metrics import FAMILIES, render_metrics
from berth.front.reports.runtime_tables import oldest_ages
from berth.wait import wait_until
from tests.support.front.haproxy import WAIT_S, Front, front_before, needs_haproxy
from tests.support.http_standin import JsonHandler, answering

pytestmark = needs_haproxy
OWN, OTHER = (ServedModel(name="bert", version=version, folder=Path("/cache")) for version in ("1.0", "2.0"))
BACKENDS = [Backend(name="model-bert", model=OWN, address="127.0.0.1:1")]


class Echo(JsonHandler):
    """Answers at once, or after what it is told to wait, or once it may."""

    protocol_version = "HTTP/1.1"
    may_answer = threading.Event()

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        time.sleep(asked.get("wait_s", 0))
        assert not asked.get("is_held") or self.may_answer.wait(WAIT_S)
        self.answer(200, {})


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with answering(Echo) as url, front_before(url, tmp_path_factory.mktemp("front")) as running:
        yield running


def scrape(front: Front) -> dict[str, float]:
    lines = render_metrics(front.ask, BACKENDS).splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def refusals(reason: str, model: str = "bert", version: str = "1.0") -> str:
    return f'berth_front_refusals_total{{model_name="{model}",model_version="{version}",reason="{reason}"}}'


def test_all_are_there_at_0_before_the_first_request(front: Front) -> None:
    front.ask("clear table refused")
    numbers = scrape(front)
    seconds = [f"berth_front_request_seconds{suffix}" for suffix in ("_bucket", "_sum", "_count")]
    others = [family.name for family in FAMILIES if family.name != "berth_front_request_seconds"]
    assert {name.partition("{")[0] for name in numbers} == {*others, *seconds}
    assert {numbers[refusals(reason)] for reason in GRPC_REFUSALS} == {0}


def test_refusals_are_counted_by_model_and_reason(front: Front) -> None:
    before = scrape(front)[refusals("priority")]
    for _ in range(3):
        requests.post(f"{front.url}/predictions/bert", json={}, headers={"x-priority": "?"}, timeout=20)
    assert scrape(front)[refusals("priority")] == before + 3


def test_every_version_has_numbers_of_its_own(front: Front) -> None:
    requests.post(f"{front.url}/predictions/bert", json={}, headers={"x-priority": "?"}, timeout=20)
    told = cache(front.ask)  # connections come and go
    own = render_metrics(told, BACKENDS)
    for name in (f"model-bert{BESIDE}", "model-bert:2.0"):
        other = render_metrics(
            lambda command, name=name: told(command).replace("model-bert", name),  # type: ignore[misc]
            [Backend(name=name, model=OTHER, address="127.0.0.1:1")],
        )
        assert other == own.replace('model_version="1.0"', 'model_version="2.0"')
    requests.post(f"{front.url}/nothing", json={}, headers={"x-priority": "?"}, timeout=20)
    assert scrape(front)[refusals("priority", model="", version="")] >= 1


def test_autoscaling_follows_one_number_for_all_queues(front: Front) -> None:
    for priority in ("normal", "low"):
        requests.post(f"{front.url}/predictions/bert", json={}, headers={"x-priority": priority}, timeout=20)
    busy = render_metrics(lambda command: re.sub(r"conn_cur=\d+", "conn_cur=2", front.ask(command)), BACKENDS)
    assert re.findall(r"^berth_front_under_way.*$", busy, re.MULTILINE) == ["berth_front_under_way 4"]


def test_an_answer_gives_an_estimate_of_the_wait(front: Front) -> None:
    requests.post(f"{front.url}/predictions/bert", json={}, timeout=20)
    front.ask("set table admitted key model-bert data.gpt0 250000")
    front.wait_until_idle()
    numbers = scrape(front)
    assert numbers['berth_front_wait_seconds{model_name="bert",model_version="1.0",priority="normal"}'] == 0.25
    assert numbers['berth_front_requests{model_name="bert",model_version="1.0",priority="normal"}'] == 0


def test_answers_are_counted_by_how_long_they_took_and_what_they_were(front: Front) -> None:
    front.wait_until_idle()
    before = scrape(front)
    for path in ("bert", "bert/", "bert/1.0", "bert/99"):
        requests.post(f"{front.url}/predictions/{path}", json={"wait_s": 0.03}, timeout=20)
    front.wait_until_idle()
    after = scrape(front)  # without the last, whose version is not there
    grown = {name: after[name] - before[name] for name in after}
    labels = 'model_name="bert",model_version="1.0"'
    buckets = [
        grown[f'berth_front_request_seconds_bucket{{{labels},le="{bound}"}}'] for bound in ("0.025", "10", "+Inf")
    ]
    assert buckets == [0, 3, 3] == [0, 3, grown[f"berth_front_request_seconds_count{{{labels}}}"]]
    assert 0.09 <= grown[f"berth_front_request_seconds_sum{{{labels}}}"] < 30
    assert grown['berth_front_answers_total{model_name="bert",model_version="1.0",code="2xx"}'] == 3


def test_the_oldest_request_is_found_among_streams() -> None:
    shown = "0x1: proto=tcpv4 fe=http be=model-bert srv=t ts=00 age={} calls=1 rate=0\n"
    streams = "".join(shown.format(age) for age in ("3s", "1m2s", "0s")) + shown.format("1d1h").replace("bert", "tiny")
    assert oldest_ages(streams) == {"model-bert": 62, "model-tiny": 90_000}


def test_the_oldest_request_is_one_that_is_under_way(front: Front) -> None:
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(requests.post, f"{front.url}/predictions/bert", json={"is_held": True}, timeout=WAIT_S)
        assert wait_until(
            lambda: scrape(front)['berth_front_oldest_seconds{model_name="bert",model_version="1.0"}'] >= 1, WAIT_S
        )
        Echo.may_answer.set()
        assert asked.result().ok


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool: it comes with Debian's package prometheus")
def test_promtool_finds_no_fault(front: Front) -> None:
    text = render_metrics(front.ask, BACKENDS)
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
