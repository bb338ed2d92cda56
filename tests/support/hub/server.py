"""The server: what the Hub answers to model info and downloads, and the ways in which it fails.

As the real one does: a file of git-lfs is answered by a redirect to another host, which must get no token; the redirect
names digest and size; a download may begin anywhere (Range). There is no Xet. Seen in huggingface_hub 2.4.0.
"""

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from .repository import LARGE, WEIGHTS, Repository

CDN = "/cdn"
CHUNK_BYTES = 64 * 1024
POLL_S = 0.01  # how soon a server that shall end does
ERRORS = {401: "Invalid credentials in Authorization header", 403: "Forbidden", 429: "Slow down", 500: "Oops"}


@dataclass
class Hub:
    """What is there, how it fails, and what was asked."""

    models: dict[str, Repository] = field(default_factory=dict)
    reset: bool = False
    """Whether a download that is cut off ends by a TCP reset, and not orderly."""
    status: int | None = None
    """Answered to every request."""
    bytes_per_s: float | None = None
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """Method, path and headers (lower case) of all that was asked."""
    url: str = ""

    def asked(self, method: str, part: str) -> list[dict[str, str]]:
        """The headers of the requests of `method` whose path holds `part`."""
        return [headers for verb, path, headers in self.requests if verb == method and part in path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Write no line per request to stderr."""

    def _answer(self) -> None:
        path = self.path.split("?")[0]
        self.hub.requests.append((self.command, path, {key.lower(): value for key, value in self.headers.items()}))
        if self.hub.status is not None:
            self._refuse(self.hub.status, "", ERRORS[self.hub.status])
        elif path.startswith(CDN):
            _, _, model, name = path.split("/", 3)
            self._send_file(self.hub.models[model.replace("--", "/")], unquote(name))
        else:
            self._answer_model(path)

    def _answer_model(self, path: str) -> None:
        is_api = path.startswith("/api/models/")
        rest = path.removeprefix("/api/models/") if is_api else path[1:]
        name = next((each for each in self.hub.models if f"{rest}/".startswith(f"{each}/")), None)
        model = self.hub.models.get(name or "")
        if name is None or model is None or not self._may_see(model):
            self._refuse(401, "RepoNotFound", "Invalid username or password.")
            return
        parts = rest.removeprefix(name).strip("/").split("/", 2)
        revision = unquote(parts[1]) if len(parts) > 1 else "main"
        if not model.has(revision):
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif is_api:
            self._answer_info(name, model)
        else:
            self._resolve(name, model, unquote(parts[2]))

    def _may_see(self, model: Repository) -> bool:
        return model.token is None or self.headers.get("authorization") == f"Bearer {model.token}"

    def _answer_info(self, name: str, model: Repository) -> None:
        siblings = [model.entry(file) for file in sorted(model.files)]
        info = {"id": name, "sha": model.commit, "siblings": siblings, "private": model.token is not None}
        self._send(200, json.dumps(info).encode(), {"content-type": "application/json"})

    def _resolve(self, name: str, model: Repository, file: str) -> None:
        if model.gated:
            self._refuse(403, "GatedRepo", f"Access to model {name} is restricted")
        elif file not in model.files:
            self._refuse(404, "EntryNotFound", "Entry not found")
        elif file.endswith(LARGE):
            other_host = self.hub.url.replace("127.0.0.1", "localhost")
            location = f"{other_host}{CDN}/{name.replace('/', '--')}/{file}"
            size = str(len(model.files[file]))
            linked = {"x-linked-etag": f'"{model.digest(file)}"', "x-linked-size": size}
            self._send(302, b"", {"location": location, "x-repo-commit": model.commit, **linked})
        else:
            self._send_file(model, file)

    def _send_file(self, model: Repository, file: str) -> None:
        data = model.altered.get(file, model.files[file])
        begin = int(self.headers.get("range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        headers = {"etag": f'"{model.digest(file)}"', "x-repo-commit": model.commit, "accept-ranges": "bytes"}
        if begin:
            headers["content-range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
        self._send(206 if begin else 200, data[begin:], headers, model.cuts if file == WEIGHTS else ())

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._send(status, b"", {"x-error-code": code, "x-error-message": message})

    def _send(self, status: int, body: bytes, headers: dict[str, str], cuts: list[int] | tuple[()] = ()) -> None:
        self.send_response(status)
        for key, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if cuts:
            self._write(body[: cuts.pop(0)])
            self._cut()
        else:
            self._write(body)

    def _write(self, body: bytes) -> None:
        for begin in range(0, len(body), CHUNK_BYTES):
            chunk = body[begin : begin + CHUNK_BYTES]
            self.wfile.write(chunk)
            if self.hub.bytes_per_s:
                time.sleep(len(chunk) / self.hub.bytes_per_s)

    def _cut(self) -> None:
        """End the connection in the middle of a body."""
        self.close_connection = True
        if self.hub.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        else:
            self.connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def running_hub(**models: Repository) -> Iterator[Hub]:
    """A Hub on a free port of 127.0.0.1 with `models`, in whose names __ stands for /."""
    hub = Hub(models={name.replace("__", "/"): model for name, model in models.items()})
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        hub.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(POLL_S,), daemon=True).start()
        yield hub
        server.shutdown()
