"""What a server has accepted is answered after SIGTERM, over REST and gRPC, also what waits in the queue."""

import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.support.servers import Server, running_server
from tests.support.standin import FAULTY, make_standin

pytestmark = pytest.mark.server

NUM_REQUESTS = 30


def ask(server: Server) -> object:
    try:
        return requests.post(f"{server.inference_url}/predictions/bert", data=b"0.3", timeout=60).status_code
    except requests.RequestException as error:
        return type(error).__name__


def test_running_and_queued_requests_are_answered(tmp_path: Path) -> None:
    """In batches of 8 of 0.3 s each, of which SIGTERM comes in the first."""
    with running_server([make_standin(tmp_path, FAULTY)]) as server, ThreadPoolExecutor(NUM_REQUESTS) as pool:
        requests_sent = [pool.submit(ask, server) for _ in range(NUM_REQUESTS)]
        server.require(lambda: server.describe()["jobQueueStatus"]["pendingRequests"] > 8, 10.0, "some are queued")
        server.process.send_signal(signal.SIGTERM)
        assert Counter(sent.result() for sent in requests_sent) == {200: NUM_REQUESTS}
        assert server.wait_for_end() == 0
        assert "cut off" not in server.log
