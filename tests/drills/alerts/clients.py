"""Clients with texts of many lengths, and some that get errors: every panel has something to show."""

import contextlib
import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import requests

from tests.support.servers import Server
from tests.support.texts import mixed_texts

CLIENTS = 12


@contextlib.contextmanager
def asking_texts(server: Server) -> Iterator[None]:
    """Ask until the end of the block: texts, now and then one that is cut, refused by the handler or by the front."""
    enough = threading.Event()
    url = f"{server.inference_url}/predictions/bert"

    def ask() -> None:
        bodies = itertools.cycle(
            [*({"inputs": text} for text in mixed_texts(20)), {"inputs": "long " * 600}, {"inputs": 5}]
        )
        with requests.Session() as session:
            for number, body in enumerate(bodies):
                if enough.is_set():
                    return
                urgency = "?" if number % 20 == 19 else "normal"
                with contextlib.suppress(requests.RequestException):
                    session.post(url, json=body, headers={"x-priority": urgency}, timeout=60)

    with ThreadPoolExecutor(CLIENTS) as pool:
        for _ in range(CLIENTS):
            pool.submit(ask)
        try:
            yield
        finally:
            enough.set()
