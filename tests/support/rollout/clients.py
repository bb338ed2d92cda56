"""Sixteen clients that never pause: on kept connections, on a new one for each request, and by gRPC."""

import contextlib
import http.client
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

from berth.clients.grpc_client import GrpcClient
from berth.errors import BerthError

from ..servers import Server

KINDS = {"kept": 6, "new": 5, "grpc": 5}
BODY = json.dumps({"inputs": "is it you?"})
HEADERS = {"content-type": "application/json"}


@dataclass(kw_only=True)
class Clients:
    """What they were answered."""

    answers: dict[str, Counter[str]] = field(default_factory=lambda: {kind: Counter() for kind in KINDS})
    """By kind of client and the version that answered."""
    failures: Counter[str] = field(default_factory=Counter)
    """What was no answer, by kind and reason."""

    def all_saw(self, version: str) -> bool:
        """Whether each kind of client was answered by this version."""
        return all(counted[version] for counted in self.answers.values())


@contextlib.contextmanager
def never_pausing(server: Server) -> Iterator[Clients]:
    """Ask until the end of the block."""
    clients, stopped, lock = Clients(), threading.Event(), threading.Lock()

    def ask_on(kind: str) -> None:
        with closing_ask(kind, server) as ask:
            while not stopped.is_set():
                try:
                    version = ask()
                except (OSError, http.client.HTTPException, ValueError, BerthError) as error:
                    with lock:
                        clients.failures[f"{kind}: {error!r}"] += 1
                else:
                    with lock:
                        clients.answers[kind][version] += 1

    threads = [threading.Thread(target=ask_on, args=[kind]) for kind, number in KINDS.items() for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield clients
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


@contextlib.contextmanager
def closing_ask(kind: str, server: Server) -> Iterator[Callable[[], str]]:
    """A function that asks once and returns the version that answered."""
    port = server.ports["inference"]
    match kind:
        case "kept":
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
                yield lambda: ask_http(connection)
        case "new":

            def ask_anew() -> str:
                with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
                    return ask_http(connection, {"connection": "close"})

            yield ask_anew
        case _:
            with GrpcClient(f"127.0.0.1:{server.grpc_port}") as client:
                yield lambda: label_of(client.predict("is it you?", model="bert"))


def ask_http(connection: http.client.HTTPConnection, headers: dict[str, str] | None = None) -> str:
    """Ask on a connection, which http.client opens again only where the answer before said that it would be closed."""
    connection.request("POST", "/predictions/bert", body=BODY, headers={**HEADERS, **(headers or {})})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise ValueError(f"{answer.status} {body!r}")
    return label_of(json.loads(body))


def label_of(result: object) -> str:
    assert isinstance(result, dict)
    return str(result["label"])
