"""A real HTTP server on this machine that answers in JSON what a test wants."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class JsonHandler(BaseHTTPRequestHandler):
    """The base of a test's handler, whose do_GET and the like call `answer` once."""

    def answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Write no line per request to stderr."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # where 5 connections wait, the kernel resets those of a hundred tasks at once


@contextmanager
def answering(handler: type[JsonHandler]) -> Iterator[str]:
    """The address of a server whose requests `handler` answers."""
    with _Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
