"""A full queue of the largest requests: the load that a budget is for."""

import http.client
import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from berth.archive.content import SERVER_SETTINGS
from berth.memory.plan import SHORTEST_QUEUE
from berth.settings import Settings
from handler.config import MAX_TEXTS_PER_REQUEST, Task
from tests.support.servers import CONFIG, Server

PATIENCE_S = 600.0
PAUSE_S = 0.2  # after a connection that was cut
# One such character makes a string four bytes wide.
WIDE = "😀"
WORDS = "the of and to in is it on as at by we he be or an if so up no "


def largest_body(task: Task, index: int) -> bytes:
    """A request of max_request_size with as many texts as one may have; no two texts are equal.

    An embedding's costs most where all its vectors are computed in time, so its texts are a few tokens in long words.
    Another task's texts begin with as many tokens as a model takes.
    """
    room = Settings.load(CONFIG, {}).max_request_bytes // MAX_TEXTS_PER_REQUEST - 4  # quotes, comma, and the frame's
    filler = "x" * room if task is Task.EMBEDDINGS else (WORDS * 30 + "x" * room)
    texts = []
    for number in range(MAX_TEXTS_PER_REQUEST):
        start = f"{WIDE} {index:x} {number:x} "
        texts.append(start + filler[: room - len(start.encode())])
    return json.dumps({"inputs": texts}, ensure_ascii=False, separators=(",", ":")).encode()


def num_clients(workers: int) -> int:
    """As many as fill the queue and a batch in each worker."""
    return SHORTEST_QUEUE + SERVER_SETTINGS["batchSize"] * workers


@contextmanager
def full_load(server: Server, model: str, task: Task, workers: int) -> Iterator[Counter[str]]:
    """Clients that never pause, for as long as the block runs; what became of their requests, by status."""
    enough, ends = Event(), Counter[str]()

    def client(body: bytes) -> None:
        while not enough.is_set():
            ends[_post(server, model, body)] += 1

    bodies = [largest_body(task, index) for index in range(num_clients(workers))]
    for body in bodies:  # daemons: an answer that is on its way is not waited for
        Thread(target=client, args=(body,), daemon=True).start()
    try:
        yield ends
    finally:
        enough.set()


def _post(server: Server, model: str, body: bytes) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", server.ports["inference"], timeout=PATIENCE_S)
    try:
        connection.request("POST", f"/predictions/{model}", body, {"content-type": "application/json"})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        time.sleep(PAUSE_S)
        return "cut"
    else:
        return str(answer.status)
    finally:
        connection.close()
