"""/startup, /live and /ready: what the launcher knows of its server, for probes. Standard library only."""

import contextlib
import json
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from ..errors import BerthError
from .probe import CAPACITY_PATH, HEALTH_VARIABLE, PROBE_TIMEOUT_S, health_endpoint

PATHS = ("/startup", "/live", "/ready")


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Per question why the answer is no; None where it is yes."""

    startup: str | None = None
    """Yes once every model has given a known answer, and from then on."""
    live: str | None = None
    """No: only a restart helps."""
    ready: str | None = None
    """No: a request sent now would not be answered."""


STARTING = Health(startup="no model has given its known answer yet", ready="the models are loading")


class HealthServer(ThreadingHTTPServer):
    """Listens from the start, and answers inside `serving`."""

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.ask: Callable[[], Health] = lambda: STARTING
        self.capacity: Mapping[str, object] = {}
        """What `berth scale` asks before it adds workers: berth/memory/fit.py."""
        self.is_stopping = False
        """From the moment that berth was told to stop."""
        super().__init__((host, port), _Probe)

    def server_bind(self) -> None:
        """Without HTTPServer's look-up of the machine's name, which waits for a DNS that may not answer."""
        socketserver.TCPServer.server_bind(self)

    def why_not(self, question: str) -> str | None:
        """The answer to startup, live or ready: None is yes."""
        if self.is_stopping:  # nobody looks any more
            return "berth is stopping" if question == "ready" else None
        reason: str | None = getattr(self.ask(), question)
        return reason

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Answer probes in a thread until the end of the block."""
        threading.Thread(target=self.serve_forever, name="health", daemon=True).start()
        try:
            yield
        finally:
            self.shutdown()

    def handle_error(self, request: object, client_address: object) -> None:
        """A prober that hung up is no news."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Probe(BaseHTTPRequestHandler):
    server: HealthServer
    timeout = PROBE_TIMEOUT_S  # a client that says nothing holds its thread no longer

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == CAPACITY_PATH:
            self._answer(HTTPStatus.OK, self.server.capacity)
            return
        if path not in PATHS:
            self._answer(HTTPStatus.NOT_FOUND, {"status": "unknown", "reason": f"ask one of {', '.join(PATHS)}"})
            return
        reason = self.server.why_not(path.removeprefix("/"))
        if reason is None:
            self._answer(HTTPStatus.OK, {"status": "ok"})
        else:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, {"status": "unavailable", "reason": reason})

    def _answer(self, status: HTTPStatus, answer: Mapping[str, object]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """A line per probe would be all that the log holds."""


def listen(environ: Mapping[str, str]) -> HealthServer:
    """A server at BERTH_HEALTH_ADDRESS; UsageError when that is no address, BerthError when it is taken."""
    endpoint = health_endpoint(environ)
    try:
        return HealthServer(endpoint.host, endpoint.port)
    except OSError as error:
        raise BerthError(
            f"cannot listen on {endpoint.host}:{endpoint.port} for health probes: {error.strerror}; "
            f"stop what listens there, or choose another with {HEALTH_VARIABLE}=HOST:PORT"
        ) from error
