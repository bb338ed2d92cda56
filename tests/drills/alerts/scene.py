"""A server with a handler that has faults on request, always at the same ports, and the clients that ask it."""

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import requests

from berth.archive.content import SERVER_SETTINGS
from berth.tune.ports import free_ports
from berth.wait import wait_until
from tests.support.servers import Server, started_server
from tests.support.standin import FAULTY, make_standin

MEMORY = "1850Mi"  # a little more than it needs to start
START_S = 120.0
PATIENCE = {"x-timeout-ms": "300000"}


@dataclass(kw_only=True)
class Scene:
    """One server after the other, each at the same addresses."""

    archive: Path
    ports: dict[str, int] = field(default_factory=free_ports)
    _life: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _server: Server | None = None

    @property
    def server(self) -> Server:
        """The one that runs."""
        assert self._server is not None
        return self._server

    def start(self, *, until: str = "/ready") -> None:
        """Start a server, and wait until it answers well there."""
        started = started_server([self.archive], options=("--memory", MEMORY), ports=self.ports)
        self._server = self._life.enter_context(started)
        self.wait_for(until)

    def stop(self) -> None:
        """End it."""
        self._life.close()

    def wait_for(self, path: str) -> None:
        """Wait until the launcher answers well there."""
        self.server.require(lambda: self._is_ok(path), START_S, f"{path} is ok")

    def post(self, word: str) -> None:
        """Send a word; what is answered does not matter."""
        with contextlib.suppress(requests.RequestException):
            url = f"{self.server.inference_url}/predictions/bert"
            requests.post(url, data=word, headers=PATIENCE, timeout=300)

    def _is_ok(self, path: str) -> bool:
        try:
            return requests.get(self.server.health_url + path, timeout=10).ok
        except requests.RequestException:
            return False


@contextlib.contextmanager
def running_scene(folder: Path) -> Iterator[Scene]:
    """A scene whose server is ready."""
    batch_size = SERVER_SETTINGS["batchSize"]  # as every archive has it
    scene = Scene(archive=make_standin(folder / "standin", FAULTY, batch_size=batch_size))
    with contextlib.ExitStack() as held:
        held.callback(scene.stop)
        scene.start()
        yield scene


@contextlib.contextmanager
def asked(scene: Scene, word: str, clients: int = 1) -> Iterator[None]:
    """So many clients that send this word, each again and again, until the end of the block."""
    enough = threading.Event()

    def ask() -> None:
        while not enough.is_set():
            scene.post(word)

    with ThreadPoolExecutor(clients) as pool:
        for _ in range(clients):
            pool.submit(ask)
        try:
            yield
        finally:
            enough.set()


@contextlib.contextmanager
def background(scene: Scene) -> Iterator[None]:
    """A client now and then, as every server has: a ratio needs requests that are well."""
    enough = threading.Event()

    def ask() -> None:
        while not wait_until(enough.is_set, 0.2):
            scene.post("0")

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()
