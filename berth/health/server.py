"""Answers /startup, /live, /ready, /capacity and /metrics from the launcher's latest Report. Standard library only."""

import contextlib
import json
import socket
import socketserver
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from ..clients.launcher import CAPACITY_PATH, HEALTH_VARIABLE, PROBE_TIMEOUT_S, health_endpoint
from ..errors import BerthError
from ..exposition import CONTENT_TYPE
from ..process.threads import start_thread
from .report import Report

PATHS = ("/startup", "/live", "/ready")
METRICS_PATH = "/metrics"
NO_METRICS = "there are no numbers until java starts; then the models' own are at metrics_address"


class HealthServer(ThreadingHTTPServer):
    """A server that listens from the start, and answers inside `serving`."""

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._report = Report()
        super().__init__((host, port), _Probe)

    def server_bind(self) -> None:
        """Bind without HTTPServer's look-up of the machine's name, which waits for a DNS that may not answer."""
        socketserver.TCPServer.server_bind(self)

    def publish(self, report: Report) -> None:
        """Answer from this report from now on; probes that are being answered keep the former one."""
        self._report = report

    def answer(self, path: str) -> tuple[HTTPStatus, Mapping[str, object]]:
        """Status and body for one of the paths."""
        report = self._report
        if path == CAPACITY_PATH:
            return HTTPStatus.OK, asdict(report.capacity) if report.capacity else {}
        match path:
            case "/startup":
                return _yes_or_no(report.health().startup)
            case "/live":
                return _yes_or_no(report.health().live)
            case "/ready":
                return _yes_or_no(report.health().ready)
            case _ if path == METRICS_PATH:
                return HTTPStatus.NOT_FOUND, {"status": "unknown", "reason": NO_METRICS}
            case _:
                return HTTPStatus.NOT_FOUND, {"status": "unknown", "reason": f"ask one of {', '.join(PATHS)}"}

    def metrics(self) -> str | None:
        """The launcher's numbers, as Prometheus reads them; None before there are some."""
        return self._report.metrics() if self._report.metrics else None

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Answer probes in a thread until the end of the block."""
        start_thread("health", self.serve_forever)
        try:
            yield
        finally:
            self.shutdown()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a prober that hung up."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Probe(BaseHTTPRequestHandler):
    server: HealthServer
    timeout = PROBE_TIMEOUT_S  # a client that says nothing holds its thread no longer

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == METRICS_PATH and (text := self.server.metrics()) is not None:
            self._write(HTTPStatus.OK, CONTENT_TYPE, text)
        else:
            self._send(*self.server.answer(path))

    def do_POST(self) -> None:
        reason = "this address answers health probes by GET; models are asked at the inference address"
        self._send(HTTPStatus.METHOD_NOT_ALLOWED, {"code": 405, "type": "MethodNotAllowed", "message": reason})

    def _send(self, status: HTTPStatus, answer: Mapping[str, object]) -> None:
        self._write(status, "application/json", json.dumps(answer))

    def _write(self, status: HTTPStatus, content_type: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: a line per probe would be all that the log holds."""


def _yes_or_no(reason: str | None) -> tuple[HTTPStatus, Mapping[str, object]]:
    if reason is None:
        return HTTPStatus.OK, {"status": "ok"}
    return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "unavailable", "reason": reason}


def listen(environ: Mapping[str, str]) -> HealthServer:
    """Listen at BERTH_HEALTH_ADDRESS; UsageError when that is not an address, BerthError when it is taken."""
    endpoint = health_endpoint(environ)
    try:
        return HealthServer(endpoint.host, endpoint.port)
    except OSError as error:
        raise BerthError(
            f"cannot listen on {endpoint.address} for health probes: {error.strerror}; "
            f"stop what listens there, or choose another with {HEALTH_VARIABLE}=HOST:PORT"
        ) from error
