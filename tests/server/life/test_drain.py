"""What a server has accepted is answered after SIGTERM, over REST and gRPC, also what waits in the queue."""

import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.faults import Queue, ask, let_go
from tests.support.servers import running_server
from tests.support.standin import FAULTY, make_standin

pytestmark = pytest.mark.server

NUM_REQUESTS = 30


def test_running_and_queued_requests_are_answered(tmp_path: Path) -> None:
    """SIGTERM comes while one is being answered and all others are queued, for batches of 8."""
    with running_server([make_standin(tmp_path, FAULTY)]) as server, ThreadPoolExecutor(NUM_REQUESTS) as pool:
        requests_sent = [pool.submit(ask, server, "wait 0")]
        server.wait_for_log("wait 0: begun")
        queue = Queue.read(server)
        requests_sent += [pool.submit(ask, server, "0.1") for _ in range(NUM_REQUESTS - 1)]
        queue.wait(NUM_REQUESTS - 1)
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_log("berth: stopping")
        let_go(server, 0)
        assert Counter(sent.result() for sent in requests_sent) == {200: NUM_REQUESTS}
        assert server.wait_for_end() == 0
        assert "cut off" not in server.log
