"""Clients that keep count of what became of their requests."""

import itertools
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock

import numpy as np
import requests

from tests.support.servers import Server

RIGHT, WRONG, LOST = "right", "wrong", "lost"
NOT_ACCEPTED = "not accepted"
"""Nobody listened: a client knows that its request was not begun."""
PAUSE_S = 0.05  # after it, before the next one
PATIENCE_S = 120.0  # an answer that has not come by then is lost
TOLERANCE = 1e-5
# All different: equal texts of a batch are computed once.
NUM_REQUESTS, NUM_TEXTS = 96, 8
TEXTS = [
    [f"{text} boats and {request} people on the river " + "in the cold morning " * 6 for text in range(NUM_TEXTS)]
    for request in range(NUM_REQUESTS)
]


@dataclass(kw_only=True)
class Tally:
    """How many requests ended in which way, and when those did that were answered rightly."""

    ends: Counter[str] = field(default_factory=Counter)
    right_s: list[float] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def note(self, end: str) -> None:
        with self._lock:
            self.ends[end] += 1
            if end == RIGHT:
                self.right_s.append(time.monotonic())

    @property
    def num_retryable(self) -> int:
        """Answered with an error that says: try again."""
        return self.ends.total() - sum(self.ends[end] for end in (RIGHT, WRONG, LOST))

    def longest_gap_s(self) -> float:
        """Between two right answers."""
        times = sorted(self.right_s)
        return max((later - sooner for sooner, later in itertools.pairwise(times)), default=0.0)


class Asker:
    """Asks the sample for TEXTS in turn, whose answers are known from before."""

    def __init__(self, server: Server, num_texts: int = NUM_TEXTS) -> None:
        """`num_texts`: how many of TEXTS' texts each request has."""
        self._url = f"{server.inference_url}/predictions/bert"
        asked = [texts[:num_texts] for texts in TEXTS]
        self._turns = itertools.cycle([(texts, np.array(self._post(texts).json())) for texts in asked])

    def ask(self) -> str:
        """What becomes of one request: RIGHT, WRONG, LOST, NOT_ACCEPTED, or the status of an error."""
        texts, expected = next(self._turns)
        try:
            answer = self._post(texts)
        except requests.RequestException as error:
            if "Connection refused" not in str(error):
                return LOST
            time.sleep(PAUSE_S)
            return NOT_ACCEPTED
        if answer.ok:
            return RIGHT if np.allclose(answer.json(), expected, atol=TOLERANCE) else WRONG
        return str(answer.status_code)

    def _post(self, texts: Sequence[str]) -> requests.Response:
        return requests.post(self._url, json={"inputs": texts}, timeout=PATIENCE_S)


def ask_at_once(asker: Asker, number: int, pool: ThreadPoolExecutor, tally: Tally) -> list[Future[None]]:
    """So many requests, all on their way."""
    return [pool.submit(lambda: tally.note(asker.ask())) for _ in range(number)]


@contextmanager
def asking(asker: Asker, number: int, tally: Tally) -> Iterator[None]:
    """So many clients, each with its next request as soon as the last is back, for as long as the block runs."""
    enough = Event()

    def client() -> None:
        while not enough.is_set():
            tally.note(asker.ask())

    with ThreadPoolExecutor(number) as pool:
        clients = [pool.submit(client) for _ in range(number)]
        try:
            yield
        finally:
            enough.set()
    for each in clients:
        each.result()
