"""A real HTTP server on this machine that answers in JSON what a test wants."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.front.certificates import Certificate


class JsonHandler(BaseHTTPRequestHandler):
    """The base of a test's handler, whose do_GET and the like call `answer` once."""

    def answer(self, status: int, body: object, **headers: str) -> None:
        """Answer with this JSON; a `_` in a header's name stands for -."""
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Write no line per request to stderr."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # where 5 connections wait, the kernel resets those of a hundred tasks at once


@contextmanager
def answering(handler: type[JsonHandler], certificate: Certificate | None = None) -> Iterator[str]:
    """The address of a server whose requests `handler` answers; with a certificate, by TLS alone."""
    with _Server(("127.0.0.1", 0), handler) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.certificate, certificate.key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
        server.shutdown()
