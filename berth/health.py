"""/startup, /live and /ready: what the launcher knows of its server, for probes. Standard library only.

`python -m berth.health [PATH]` asks a running launcher, for exec probes and HEALTHCHECK: exit code 0 or 1.
"""

import contextlib
import json
import os
import socket
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from .errors import BerthError, UsageError

VARIABLE = "BERTH_HEALTH_ADDRESS"
DEFAULT_ADDRESS = "127.0.0.1:8090"
PATHS = ("/startup", "/live", "/ready")
PROBE_TIMEOUT_S = 4.0  # below HEALTHCHECK's and the probes' own 5 s, so that the reason is told
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Per question why the answer is no; None where it is yes."""

    startup: str | None = None
    """Yes once every model has given a known answer, and from then on."""
    live: str | None = None
    """No: only a restart helps."""
    ready: str | None = None
    """No: a request sent now would not be answered."""

    def stopping(self) -> "Health":
        """The same server from the moment it was told to stop."""
        return replace(self, ready="berth is stopping")


STARTING = Health(startup="no model has given its known answer yet", ready="the models are loading")


class HealthServer(ThreadingHTTPServer):
    """Listens from the start; answers inside `serving`, from the Health that it was last given."""

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.health = STARTING
        super().__init__((host, port), _Probe)

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Answer probes in a thread until the end of the block."""
        threading.Thread(target=self.serve_forever, name="health", daemon=True).start()
        try:
            yield
        finally:
            self.shutdown()

    def handle_error(self, *_: object) -> None:
        """A prober that hung up is no news."""


class _Probe(BaseHTTPRequestHandler):
    server: HealthServer
    timeout = PROBE_TIMEOUT_S  # a client that says nothing holds its thread no longer

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path not in PATHS:
            self._answer(HTTPStatus.NOT_FOUND, {"status": "unknown", "reason": f"ask one of {', '.join(PATHS)}"})
            return
        reason = getattr(self.server.health, path.removeprefix("/"))
        if reason is None:
            self._answer(HTTPStatus.OK, {"status": "ok"})
        else:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, {"status": "unavailable", "reason": reason})

    def _answer(self, status: HTTPStatus, answer: Mapping[str, str]) -> None:
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
    host, port = health_address(environ)
    try:
        return HealthServer(host, port)
    except OSError as error:
        raise BerthError(
            f"cannot listen on {host}:{port} for health probes: {error.strerror}; stop what listens there, "
            f"or choose another with {VARIABLE}=HOST:PORT"
        ) from error


def health_address(environ: Mapping[str, str]) -> tuple[str, int]:
    """Host and port of BERTH_HEALTH_ADDRESS."""
    value = environ.get(VARIABLE, DEFAULT_ADDRESS)
    try:
        parts = urlsplit(f"//{value}")
        if parts.hostname and parts.port and not parts.path:
            return parts.hostname, parts.port
    except ValueError:  # a port that is no number
        pass
    raise UsageError(f"{VARIABLE} is {value!r}; it is HOST:PORT, such as {DEFAULT_ADDRESS}")


def probe(path: str, environ: Mapping[str, str]) -> str | None:
    """Why the answer is no; None when it is yes."""
    host, port = health_address(environ)
    host = WILDCARDS.get(host, host)
    url = f"http://[{host}]:{port}{path}" if ":" in host else f"http://{host}:{port}{path}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy cannot reach our loopback
    try:
        with opener.open(url, timeout=PROBE_TIMEOUT_S):
            return None
    except urllib.error.HTTPError as error:
        with error:
            return str(json.load(error)["reason"])
    except OSError as error:
        return f"nothing answers at {url}: {error}"


def main(arguments: Sequence[str]) -> int:
    """One probe; the reason of a no goes to stderr."""
    path = arguments[0] if arguments else "/ready"
    try:
        reason = probe(path, os.environ)
    except BerthError as error:
        reason = str(error)
    if reason is not None:
        sys.stderr.write(f"{path}: {reason}\n")
    return 0 if reason is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
