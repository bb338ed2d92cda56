"""A cloud for k8s/gke's scripts: stand-ins on PATH, and a real HTTP server as the load balancer."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.k8s.renderings import ROOT

GKE = ROOT / "k8s" / "gke"
OVERLAYS = ("gke-gpu", "gke-cpu")
STANDINS = Path(__file__).with_name("standins.py")
TOOLS = ("gcloud", "kubectl", "docker", "podman", "gke-gcloud-auth-plugin")
SETTINGS = {"PROJECT": "my-project", "REGION": "europe-west4"}


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Stand-ins on PATH, and what they have seen."""

    folder: Path

    def environment(self, **settings: str) -> dict[str, str]:
        own = {"PATH": f"{self.folder}:{os.environ['PATH']}", "HOME": str(self.folder), "TMPDIR": str(self.folder)}
        kubectl = shutil.which("kubectl") or ""
        return {
            **own,
            **SETTINGS,
            "STANDIN_FOLDER": str(self.folder),
            "STANDIN_KUBECTL": kubectl,
            "WAIT_S": "1",
            **settings,
        }

    def run(self, *command: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
        environment = self.environment(**settings)
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    def take_calls(self) -> list[list[str]]:
        """What was called since the last time."""
        calls = [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]
        (self.folder / "calls").write_text("")
        return calls

    @property
    def applied(self) -> str:
        file = self.folder / "applied.yaml"
        return file.read_text("utf-8") if file.exists() else ""


def make_cloud(folder: Path) -> Cloud:
    """Stand-ins for all tools, in a folder, with nothing created yet."""
    folder.mkdir(exist_ok=True)
    for name in TOOLS:
        tool = folder / name
        tool.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {STANDINS} {name} "$@"\n')
        tool.chmod(0o755)
    for name in ("calls", "created"):
        (folder / name).touch()
    return Cloud(folder=folder)


@contextmanager
def load_balancer(
    status: int = 200, health: bytes = b'{"status":"ok"}', result: bytes = b"[0.125, -0.5]", key: str = ""
) -> Iterator[str]:
    """The address of a server that answers as berth's does: the deep check to a GET, a result to a POST.

    `key`: asked for, where there is one.
    """

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(health)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.answer(result)

        def answer(self, body: bytes) -> None:
            paths = ("/predictions/bert", "/predictions/bert/1.0/check")
            is_let_in = not key or self.headers["authorization"] == f"Bearer {key}"
            self.send_response(401 if not is_let_in else status if self.path in paths else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
