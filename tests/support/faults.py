"""Asks a server with tests/support/faulty_handler.py for its faults."""

import threading
from collections.abc import Callable
from contextlib import suppress

import requests

from berth.clients.grpc_client import INFERENCE, GrpcClient
from berth.errors import BerthError

from .servers import Server

BUSY_S = 5  # long enough for a batch to gather behind it


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
        for busy_s in range(BUSY_S, BUSY_S + workers):
            _begin(ask, server, str(busy_s))
            server.wait_for_log(f"sleeps {busy_s}")
        number = num_queued(server)
        _begin(ask_grpc, client, "0")
        server.require(lambda: num_queued(server) > number, BUSY_S, "the gRPC request is queued")
        _begin(ask, server, "poison")
        server.wait_for_log("only ' ' and '\\t' are allowed")


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
