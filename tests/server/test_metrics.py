"""What a scrape shows after traffic: exact numbers, every label, names that a linter takes."""

import json
import re
import shutil
import subprocess
from typing import Any

import pytest
import requests

from berth.clients.grpc_client import INFERENCE, GrpcClient
from berth.exposition import Kind as FamilyKind
from berth.front.reports.metrics import CONNECTIONS, UNDER_WAY
from berth.front.reports.metrics import FAMILIES as FRONT
from berth.monitoring.families import FAMILIES as LAUNCHER
from berth.monitoring.families import OF_GPUS, OF_MODELS
from berth.process.memory import PARTS
from handler.worker.metrics import ERROR_CODES, METRICS, MODEL_LABELS, Kind
from tests.support.scrape import Growth, Scrape, settled
from tests.support.servers import Server
from tests.support.texts import mixed_texts

pytestmark = pytest.mark.server

HISTOGRAMS = [metric.name for metric in METRICS if metric.kind is Kind.HISTOGRAM]
JARS_HELP = "Torchserve prometheus {} metric with unit: "
NO_PROMTOOL = "no promtool: it comes with Debian's package prometheus"


def post(server: Server, body: Any, model: str = "bert") -> requests.Response:
    return requests.post(f"{server.inference_url}/predictions/{model}", json=body, timeout=60)


def check_deeply(server: Server) -> None:
    requests.get(f"{server.inference_url}/predictions/bert/1.0/check", timeout=60).raise_for_status()


def test_traffic_is_counted_exactly_and_health_checks_are_not(answering_server: Server) -> None:
    growth = Growth(answering_server)
    check_deeply(answering_server)
    sent = [
        post(answering_server, {"inputs": inputs})
        for inputs in ("hello world", [*mixed_texts(5), "long " * 600], "bye")
    ]
    requests.get(f"{answering_server.management_url}/models/bert?customized=true", timeout=60).raise_for_status()
    with GrpcClient(f"127.0.0.1:{answering_server.grpc_port}") as client:
        client.predict("hello world", model="bert")
    check_deeply(answering_server)
    sent.append(post(answering_server, {"inputs": "hello world"}))  # as many tokens as the one over gRPC
    growth.wait("berth_batches_total", 5)
    assert growth.of("berth_requests_total") == growth.of("berth_batches_total") == 5
    tokens = [int(response.headers["x-compute-tokens"]) for response in sent]
    assert growth.of("berth_tokens_total") == sum(tokens) + tokens[-1]
    assert growth.of("berth_errors_total") == 0
    assert [response.headers.get("x-truncated") for response in sent] == [None, "5", None, None]
    assert growth.of("berth_truncated_inputs_total") == 1
    assert [growth.of(f"{name}_count") for name in HISTOGRAMS] == [5, 5, 5]
    request_s, tokenize_s, forward_s = (growth.of(f"{name}_sum") for name in HISTOGRAMS)
    assert 0 < tokenize_s + forward_s < request_s < 60


def test_errors_are_counted_by_code_on_every_way_in(answering_server: Server) -> None:
    growth = Growth(answering_server, "tiny")
    assert post(answering_server, {"inputs": 5}, "tiny").status_code == 422
    long = {"inputs": "long " * 600, "parameters": {"truncation": False}}
    assert post(answering_server, long, "tiny").status_code == 422
    form = requests.post(f"{answering_server.inference_url}/predictions/tiny", data={"text": "a"}, timeout=60)
    with GrpcClient(f"127.0.0.1:{answering_server.grpc_port}") as client:
        (refused,) = client.call(f"{INFERENCE}.Predictions", model_name="tiny", input={"data": b"\xff"})  # no UTF-8
    assert (form.status_code, json.loads(refused.prediction)["code"]) == (422, 400)
    for code, count in [("422", 3), ("400", 1)]:
        growth.wait("berth_errors_total", count, code=code)
    assert growth.of("berth_errors_total") == growth.of("berth_requests_total") == 4
    assert growth.of("berth_tokens_total") == 0


def test_every_metric_is_there_with_its_labels_beside_torchserves_own(answering_server: Server) -> None:
    growth = Growth(answering_server)
    post(answering_server, {"inputs": 5})
    growth.wait("berth_errors_total", 1)
    scrape = Scrape(answering_server)
    for metric in METRICS:
        assert f"# TYPE {metric.name} {metric.kind}" in scrape.lines
        assert f"# HELP {metric.name} {JARS_HELP.format(metric.kind)}{metric.declared_unit}" in scrape.lines
        sample = metric.name + ("_sum" if metric.kind is Kind.HISTOGRAM else "")
        assert set(scrape.labels(sample)) == {*metric.labels, *MODEL_LABELS, "Hostname"}
    for name in ("ts_inference_requests_total", "ts_queue_latency_microseconds", "Requests4XX", "QueueTime"):
        assert scrape.total(name) > 0


def test_an_error_that_never_happened_is_there_as_0(answering_server: Server) -> None:
    """Else Prometheus' rate() would not see the first of its code."""
    scrape = Scrape(answering_server)
    assert scrape.labels("berth_errors_total")["code"] == set(ERROR_CODES)
    assert scrape.total("berth_errors_total", code="507") == 0


def test_the_launcher_shows_all_that_the_document_says_of_it(answering_server: Server) -> None:
    post(answering_server, {"inputs": "hello world"})
    scrape = Scrape(answering_server, answering_server.health_url)
    of_models = {*OF_MODELS, *FRONT} - {CONNECTIONS, UNDER_WAY}
    for family in (*LAUNCHER, *FRONT):
        if family in OF_GPUS:
            continue
        assert f"# HELP {family.name} {family.meaning}" in scrape.lines
        assert f"# TYPE {family.name} {family.kind}" in scrape.lines
        sample = family.name + ("_bucket" if family.kind is FamilyKind.HISTOGRAM else "")
        others = {"model_name", "model_version"} if family in of_models else set()
        others |= {"le"} if family.kind is FamilyKind.HISTOGRAM else set()
        assert set(scrape.labels(sample)) == {*family.labels, *others}, family.name


def test_the_launchers_numbers_are_true(answering_server: Server) -> None:
    before = settled(answering_server)
    post(answering_server, {"inputs": "hello world"})
    check_deeply(answering_server)  # of a client's, which the front counts as a request
    scrape = settled(answering_server)
    grown = {
        name: scrape.total(name, model_name="bert") - before.total(name, model_name="bert")
        for name in ("berth_front_answers_total", "berth_front_request_seconds_count")
    }
    assert set(grown.values()) == {2}
    assert scrape.total("berth_ready") == scrape.total("berth_live") == 1
    workers = answering_server.describe()["workers"]
    assert scrape.total("berth_workers_ready", model_name="bert") == len(workers)
    assert scrape.total("berth_deep_checks_total", model_name="bert", verdict="right") >= 1
    info = scrape.labels("berth_model_info")
    assert info["task"] == {"embeddings", "text-classification"}
    assert (info["engine"], info["precision"]) == ({"packed"}, {"fp32"})
    assert scrape.total("berth_token_budget", model_name="bert") > 0
    used, limit = scrape.total("berth_memory_used_bytes"), scrape.total("berth_memory_limit_bytes")
    parts = [scrape.total("berth_memory_used_bytes", part=part) for part in PARTS]
    assert all(part > 0 for part in parts)
    assert used == sum(parts) < scrape.total("berth_memory_predicted_bytes") < limit


@pytest.mark.skipif(shutil.which("promtool") is None, reason=NO_PROMTOOL)
@pytest.mark.parametrize("page", ["metrics", "health"])
def test_promtool_finds_no_fault_with_our_metrics(answering_server: Server, page: str) -> None:
    lines = Scrape(answering_server, getattr(answering_server, f"{page}_url")).lines
    ours = [line for line in lines if re.match(r"(# \w+ )?berth_", line)]
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input="\n".join([*ours, ""]), capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    assert len(ours) > len(METRICS)
