"""A real front before a stand-in for TorchServe, which says what it was sent."""

import http.client
import json
import shutil
import socket
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from berth.archive.served_model import ServedModel
from berth.endpoint import Endpoint
from berth.front.front import Front, running_front
from berth.front.keys import KeySource
from berth.front.plan import LOOPBACK, FrontPlan
from berth.settings import Settings
from berth.tune.ports import free_ports, port_variables
from berth.wait import wait_until

from ..http_standin import JsonHandler, answering
from ..servers import CONFIG

START_S = 60.0  # of the gateway, on a busy machine
HAPROXY = shutil.which("haproxy") or ""


class Echo(JsonHandler):
    """Answers with the path, the headers and the length of the body that came."""

    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        with suppress(ConnectionError):  # the front is ended while connections are open
            super().handle()

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.answer(200, {"path": self.path, "headers": headers, "length": len(body)})

    do_GET = do_PUT = do_OPTIONS = do_POST  # noqa: N815


Answer = tuple[int, Mapping[str, str], Any]
"""The status, the headers with small names, and the body, of JSON if there is one."""


def ask(
    connection: http.client.HTTPConnection,
    path: str = "/predictions/bert",
    *,
    key: str | None = None,
    method: str = "POST",
    body: bytes | Iterator[bytes] = b"{}",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Ask once, on a connection that stays open."""
    given = {"authorization": f"Bearer {key}"} if key else {}
    connection.request(method, path, body=body, headers={**given, **(headers or {})})
    answer = connection.getresponse()
    text = answer.read()
    return answer.status, {name.lower(): value for name, value in answer.headers.items()}, json.loads(text or "null")


@dataclass(frozen=True, kw_only=True)
class Fronted:
    """A front, and where its clients find it."""

    front: Front
    inference: Endpoint
    grpc_port: int

    def connect(self, timeout_s: float = START_S, ca: Path | None = None) -> http.client.HTTPConnection:
        """A connection of a client, kept open between requests."""
        if self.inference.scheme == "https":
            context = ssl.create_default_context(cafile=ca)
            return http.client.HTTPSConnection(LOOPBACK, self.inference.port, timeout=timeout_s, context=context)
        return http.client.HTTPConnection(LOOPBACK, self.inference.port, timeout=timeout_s)

    def ask(self, path: str = "/predictions/bert", **how: Any) -> Answer:
        """Ask once, on a connection of its own; `how`: see `ask`."""
        with closing(self.connect()) as connection:
            return ask(connection, path, **how)

    def require_ready(self) -> None:
        """Wait until all of the front serves."""
        assert wait_until(lambda: self.front.why_not_ready is None, START_S), self.front.why_not_ready

    def open_socket(self) -> socket.socket:
        """A bare connection, for clients that are slow or strange."""
        return socket.create_connection((LOOPBACK, self.inference.port), timeout=30)


@contextmanager
def fronted(
    keys: KeySource | None = None, environ: Mapping[str, str] | None = None, *, tls: bool = False
) -> Iterator[Fronted]:
    """A front on free ports, with an Echo behind it as the model `bert`; `environ` sets keys of config.properties."""
    with tempfile.TemporaryDirectory(prefix="bf-") as name, answering(Echo) as echo:
        plan = replace(plan_before(echo, Path(name), environ, tls=tls), keys=keys)
        with running_front(plan, Path(name)) as front:
            server = Fronted(front=front, inference=plan.outside.inference, grpc_port=plan.outside.grpc_inference.port)
            server.require_ready()
            yield server


def plan_before(url: str, folder: Path, environ: Mapping[str, str] | None = None, *, tls: bool = False) -> FrontPlan:
    """A front on free ports before the server at `url`, which has the model `bert` of version 1.0 and no gRPC."""
    ports = free_ports()
    scheme = {"TS_INFERENCE_ADDRESS": f"https://{LOOPBACK}:{ports['inference']}"} if tls else {}
    outside = Settings.load(CONFIG, {**port_variables(ports), **scheme, **(environ or {})})
    behind = replace(outside.inference, scheme="http", port=int(url.rpartition(":")[2]))
    nobody = replace(outside.grpc_inference, port=1)
    return FrontPlan(
        executable=Path(HAPROXY),
        outside=outside,
        behind=replace(outside, inference=behind, grpc_inference=nobody),
        models=(ServedModel(name="bert", version="1.0", folder=folder),),
        max_requests=64,
        max_connections=5000,
        threads=2,
        health=Endpoint(key="health", host=LOOPBACK, port=ports["health"]),
    )
