"""A real Prometheus scrapes a server; what docs/monitoring.md asks it, it answers."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from berth.monitoring.panels import PANELS
from berth.monitoring.rules import groups
from tests.support.prometheus import Prometheus, needs_prometheus, running_prometheus
from tests.support.scrape import Growth, Scrape
from tests.support.servers import Server
from tests.support.texts import mixed_texts

pytestmark = [pytest.mark.server, needs_prometheus]

DOCUMENT = Path(__file__).parents[2] / "docs" / "monitoring.md"
QUERIES = re.findall(r"^ {4,}(\S.*)$", DOCUMENT.read_text("utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def prometheus(answering_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """One that has seen good and bad requests twice, so that every rate is above 0."""
    urls = (answering_server.metrics_url, answering_server.health_url)
    targets = [url.removeprefix("http://") for url in urls]
    rules = [{**group, "interval": "1s"} for group in groups()]
    with running_prometheus(targets, tmp_path_factory.mktemp("prometheus"), rules) as running:
        for _ in range(2):
            send_good_and_bad(answering_server)
            for url, name in (
                (answering_server.metrics_url, "berth_requests_total"),
                (answering_server.health_url, "berth_front_request_seconds_count"),
            ):
                seen = Scrape(answering_server, url).total(name, model_name="bert")
                running.wait_for(f'{name}{{model_name="bert"}} == {seen}')
        yield running


def send_good_and_bad(server: Server) -> None:
    growth = Growth(server)
    for inputs in (*mixed_texts(6), 5):
        requests.post(f"{server.inference_url}/predictions/bert", json={"inputs": inputs}, timeout=60)
    growth.wait("berth_errors_total", 1)


def test_prometheus_has_the_servers_own_numbers(answering_server: Server, prometheus: Prometheus) -> None:
    scrape = Scrape(answering_server)
    for name in ("berth_tokens_total", "berth_batches_total", "berth_forward_seconds_count"):
        prometheus.wait_for(f'{name}{{model_name="bert"}} == {scrape.total(name, model_name="bert")}')
    (mean_batch,) = prometheus.ask('berth_requests_total{model_name="bert"} / berth_batches_total')
    assert 1 <= mean_batch <= 64


@pytest.mark.parametrize("query", QUERIES)
def test_documented_query_has_an_answer(prometheus: Prometheus, query: str) -> None:
    prometheus.wait_for(f"0 < ({query}) < Inf")  # a model without traffic gives NaN, which no comparison lets through


def test_no_panel_of_the_dashboard_is_empty(prometheus: Prometheus) -> None:
    """Whatever it shows: a number, of which NaN is none."""
    queries = [
        query.replace("$__rate_interval", "5m")
        for panel in PANELS
        for query in panel.queries.values()
        if not panel.needs_gpu
    ]
    for query in queries:
        prometheus.wait_for(f"({query}) >= 0")
    assert len(queries) > 30


def test_there_are_queries() -> None:
    assert len(QUERIES) >= 6
