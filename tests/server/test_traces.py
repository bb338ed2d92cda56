"""A real server sends its requests' spans to a collector of OTLP over HTTP, below what a client's traceparent names."""

import itertools
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from tests.support.servers import Server, running_server

pytestmark = pytest.mark.server

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SENT_S = 30.0


class Collector(ThreadingHTTPServer):
    """Keeps the spans that it gets."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.spans: list[Any] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def of(self, trace: str) -> dict[str, Any]:
        """A trace's spans by their names."""
        return {span.name: span for span in self.spans if span.trace_id.hex() == trace}


class Receiver(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        assert (self.path, self.headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
        sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
        for of_resource in sent.resource_spans:
            assert text(of_resource.resource.attributes)["service.name"] == "berth"
            self.server.spans += [span for scope in of_resource.scope_spans for span in scope.spans]
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write nothing."""


def text(attributes: Any) -> dict[str, str]:
    return {each.key: each.value.string_value for each in attributes if each.value.HasField("string_value")}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as opened:
        threading.Thread(target=opened.serve_forever, daemon=True).start()
        yield opened
        opened.shutdown()


@pytest.fixture(scope="module")
def server(tiny: Path, collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    archive = pack_checkpoint(tiny, PackOptions(output=tmp_path_factory.mktemp("traced"))).archive
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    with running_server([archive], variables) as running:
        yield running


def ask(server: Server, body: object, **headers: str) -> requests.Response:
    return requests.post(f"{server.inference_url}/predictions/tiny", json=body, headers=headers, timeout=60)


def test_a_request_has_its_spans_below_the_clients(server: Server, collector: Collector) -> None:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-request-id": "mine"}
    assert ask(server, {"inputs": "hello world"}, **headers).ok
    server.require(lambda: len(collector.of(TRACE)) == 5, SENT_S, "five spans came")
    spans = collector.of(TRACE)
    request = spans.pop("request")
    assert request.parent_span_id.hex() == PARENT
    named = text(request.attributes)
    assert named["berth.model.name"] == "tiny"
    assert named["http.request.header.x-request-id"] == "mine"
    assert {span.parent_span_id for span in spans.values()} == {request.span_id}
    order = [spans[name] for name in ("queue", "tokenize", "forward", "head")]
    assert all(one.end_time_unix_nano <= next_.start_time_unix_nano for one, next_ in itertools.pairwise(order))
    assert all(span.start_time_unix_nano < span.end_time_unix_nano for span in order)
    ends = order[0].start_time_unix_nano, order[-1].end_time_unix_nano
    assert ends == (request.start_time_unix_nano, request.end_time_unix_nano)


def test_an_unread_request_has_no_pass_and_one_that_is_not_sampled_no_span(
    server: Server, collector: Collector
) -> None:
    unsampled, bad = TRACE[::-1], "1" * 32
    assert ask(server, {"inputs": "hello world"}, traceparent=f"00-{unsampled}-{PARENT}-00").ok
    assert ask(server, {"inputs": 5}, traceparent=f"00-{bad}-{PARENT}-01").status_code == 422
    server.require(lambda: "request" in collector.of(bad), SENT_S, "its span came")
    assert set(collector.of(bad)) == {"request", "queue", "head"}
    assert collector.of(unsampled) == {}


def test_health_checks_have_none(server: Server, collector: Collector) -> None:
    requests.get(f"{server.inference_url}/predictions/tiny/1.0/check", timeout=60).raise_for_status()
    assert ask(server, {"inputs": "bye"}, traceparent=f"00-{'2' * 32}-{PARENT}-01").ok
    server.require(lambda: len(collector.of("2" * 32)) == 5, SENT_S, "five spans came")
    assert {span.trace_id.hex() for span in collector.spans} <= {TRACE, "1" * 32, "2" * 32}
