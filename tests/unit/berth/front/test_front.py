"""A running front says why clients do not reach the models."""

import signal

from tests.support.front.fronted import fronted
from tests.support.front.haproxy import needs_haproxy


@needs_haproxy
def test_a_gateway_that_hangs_is_not_ready_though_it_can_be_connected_to() -> None:
    with fronted() as server:
        server.front.gateway.send(signal.SIGSTOP)
        assert server.front.why_not_ready == "the gateway is not running"
        server.front.gateway.send(signal.SIGCONT)
        server.require_ready()
