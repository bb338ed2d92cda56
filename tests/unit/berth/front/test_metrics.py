"""The front's numbers, of a real HAProxy, in promtool's eyes."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import requests

from berth.archive.served_model import ServedModel
from berth.front.plan import BESIDE, Backend
from berth.front.refusals import GRPC_REFUSALS
from berth.front.reports.metrics import HELP, render_metrics
from berth.front.runtime import ask
from tests.support.front.haproxy import Front, front_before, needs_haproxy
from tests.support.http_standin import JsonHandler, answering

pytestmark = needs_haproxy
OWN, OTHER = (ServedModel(name="bert", version=version, folder=Path("/cache")) for version in ("1.0", "2.0"))
BACKENDS = [Backend(name="model-bert", model=OWN, address="127.0.0.1:1")]


class Echo(JsonHandler):
    """Answers at once."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        self.rfile.read(int(self.headers["content-length"]))
        self.answer(200, {})


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with answering(Echo) as url, front_before(url, tmp_path_factory.mktemp("front")) as running:
        yield running


def scrape(front: Front) -> dict[str, float]:
    lines = render_metrics(partial(ask, front.runtime), BACKENDS).splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def refusals(reason: str, model: str = "bert", version: str = "1.0") -> str:
    return f'berth_front_refusals_total{{model_name="{model}",model_version="{version}",reason="{reason}"}}'


def test_all_are_there_at_0_before_the_first_request(front: Front) -> None:
    front.ask("clear table refused")
    numbers = scrape(front)
    assert {name.partition("{")[0] for name in numbers} == set(HELP)
    assert {numbers[refusals(reason)] for reason in GRPC_REFUSALS} == {0}


def test_refusals_are_counted_by_model_and_reason(front: Front) -> None:
    before = scrape(front)[refusals("priority")]
    for _ in range(3):
        requests.post(f"{front.url}/predictions/bert", json={}, headers={"x-priority": "?"}, timeout=20)
    assert scrape(front)[refusals("priority")] == before + 3


def test_every_version_has_numbers_of_its_own(front: Front) -> None:
    requests.post(f"{front.url}/predictions/bert", json={}, headers={"x-priority": "?"}, timeout=20)
    own = render_metrics(partial(ask, front.runtime), BACKENDS)
    for name in (f"model-bert{BESIDE}", "model-bert:2.0"):
        other = render_metrics(
            lambda command, name=name: ask(front.runtime, command).replace("model-bert", name),  # type: ignore[misc]
            [Backend(name=name, model=OTHER, address="127.0.0.1:1")],
        )
        assert other == own.replace('model_version="1.0"', 'model_version="2.0"')
    requests.post(f"{front.url}/nothing", json={}, headers={"x-priority": "?"}, timeout=20)
    assert scrape(front)[refusals("priority", model="", version="")] >= 1


def test_an_answer_gives_an_estimate_of_the_wait(front: Front) -> None:
    requests.post(f"{front.url}/predictions/bert", json={}, timeout=20)
    front.ask("set table admitted key model-bert data.gpt0 250000")
    numbers = scrape(front)
    assert numbers['berth_front_wait_seconds{model_name="bert",model_version="1.0",priority="normal"}'] == 0.25
    assert numbers['berth_front_requests{model_name="bert",model_version="1.0",priority="normal"}'] == 0


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool: it comes with Debian's package prometheus")
def test_promtool_finds_no_fault(front: Front) -> None:
    text = render_metrics(partial(ask, front.runtime), BACKENDS)
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_the_document_has_each() -> None:
    document = (Path(__file__).parents[4] / "docs" / "metrics.md").read_text("utf-8")
    assert set(re.findall(r"`(berth_front_\w+)`", document)) == set(HELP)
