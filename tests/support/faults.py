"""Asks a server with tests/support/faulty_handler.py for its faults."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import requests

from berth.clients.grpc_client import INFERENCE, GrpcClient
from berth.errors import BerthError

from .scrape import Scrape
from .servers import Server

QUEUED_S = 60.0  # on a busy machine


def ask(server: Server, word: str) -> int | str:
    """Send a word; the status of the answer, or the name of the error that came instead."""
    try:
        return requests.post(f"{server.inference_url}/predictions/bert", data=word, timeout=120).status_code
    except requests.RequestException as error:
        return type(error).__name__


def make_zombie(server: Server, workers: int = 1) -> None:
    """Leave TorchServe with a worker that it calls READY and that has no process; it has `workers` in all."""
    with GrpcClient(f"127.0.0.1:{server.grpc_port}", timeout_s=60.0) as client:
        ask_grpc(client, "0")  # so that the next one is there at once
        for name in range(workers):
            _begin(ask, server, f"wait {name}")
            server.wait_for_log(f"wait {name}: begun")
        queue = Queue.read(server)
        _begin(ask_grpc, client, "0")
        queue.wait(1)
        _begin(ask, server, "poison")
        queue.wait(2)
        for name in range(workers):  # the first takes both, in one batch
            let_go(server, name)
            server.wait_for_log("only ' ' and '\\t' are allowed")


def let_go(server: Server, name: object) -> None:
    """End a "wait NAME"."""
    (folder,) = server.temp.glob("berth-*/g*")
    (folder / f"wait {name}").touch()


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Requests that no worker has taken yet, while all workers are held by a "wait NAME"."""

    server: Server
    others: int
    """The known text, or nobody."""

    @classmethod
    def read(cls, server: Server) -> "Queue":
        """Once the known text waits too: there is never a second one."""
        waits = partial(_known_text_waits, server)
        server.require(waits, QUEUED_S, "the known text waits")
        return cls(server=server, others=num_queued(server))

    def wait(self, number: int) -> None:
        """Until it has so many more."""
        has_all = partial(self._has, number)
        self.server.require(has_all, QUEUED_S, f"{number} requests are queued")

    def _has(self, number: int) -> bool:
        return num_queued(self.server) == self.others + number


def _known_text_waits(server: Server) -> bool:
    return Scrape(server, server.health_url).total("berth_check_wait_seconds") >= 1


def _begin(send: Callable[..., object], *arguments: object) -> None:
    """Send in a thread that nobody waits for: there may be no answer, or an error."""

    def run() -> None:
        with suppress(BerthError):
            send(*arguments)

    threading.Thread(target=run, daemon=True).start()


def num_queued(server: Server) -> int:
    """How many requests no worker has taken yet."""
    return int(server.describe()["jobQueueStatus"]["pendingRequests"])


def ask_grpc(client: GrpcClient, word: str) -> None:
    """Send a word over gRPC."""
    list(client.call(f"{INFERENCE}.Predictions", model_name="bert", input={"body": word.encode()}))
