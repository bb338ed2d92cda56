"""Ports, as far as they are tested without a server; archives are in tests/server."""

import socket

import pytest

from berth.clients.launcher import HEALTH_VARIABLE
from berth.endpoint import Endpoint
from berth.errors import BerthError
from berth.health.server import listen
from berth.serve.ports import require_free_ports
from berth.tune.ports import free_port
from berth.tune.server import TAKEN


def endpoint(port: int, key: str = "inference_address") -> Endpoint:
    return Endpoint(key=key, host="127.0.0.1", port=port)


@pytest.fixture
def port() -> int:
    """A free one."""
    return free_port()


@pytest.fixture
def environ() -> dict[str, str]:
    """Where the health probes have a free port too."""
    return {HEALTH_VARIABLE: f"127.0.0.1:{free_port()}"}


def test_free_ports_are_free_afterwards(port: int, environ: dict[str, str]) -> None:
    require_free_ports([endpoint(port)], environ)
    require_free_ports([endpoint(port)], environ)


def test_a_taken_port_names_the_key_and_the_variable(environ: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(BerthError, match=f"{port} .grpc_inference_port.*with TS_GRPC_INFERENCE_PORT=PORT$"):
            require_free_ports([endpoint(port, "grpc_inference_port")], environ)


def test_all_that_are_taken_are_said_at_once(port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        taken, health = one.getsockname()[1], two.getsockname()[1]
        others = "TS_METRICS_ADDRESS=http://127.0.0.1:PORT BERTH_HEALTH_ADDRESS=127.0.0.1:PORT$"
        with pytest.raises(BerthError, match=rf":{taken} .* in use, 127.0.0.1:{health} .*with {others}") as raised:
            require_free_ports(
                [endpoint(port), endpoint(taken, "metrics_address")], {HEALTH_VARIABLE: f"127.0.0.1:{health}"}
            )
    assert str(port) not in str(raised.value)
    assert str(raised.value).startswith(TAKEN), "`berth tune` knows it by that"


def test_two_keys_may_not_share_a_port(port: int, environ: dict[str, str]) -> None:
    with pytest.raises(BerthError, match=f":{port} .management_address.: inference_address is there too;"):
        require_free_ports([endpoint(port), endpoint(port, "management_address")], environ)


def test_an_address_of_another_machine_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(BerthError, match=r"192\.0\.2\.1"):
        require_free_ports([Endpoint(key="inference_address", host="192.0.2.1", port=1)], environ)


def test_an_ipv6_address_is_advised_as_it_is_read(port: int) -> None:
    address = f"[::ffff:127.0.0.1]:{port}"  # by which IPv4 is reached too, so that no IPv6 is needed here
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(BerthError, match=r"with BERTH_HEALTH_ADDRESS=\[::ffff:127\.0\.0\.1\]:PORT$"):
            require_free_ports([], {HEALTH_VARIABLE: address})
        with pytest.raises(BerthError, match=r"cannot listen on \[::ffff:127\.0\.0\.1\]:\d+ for health probes"):
            listen({HEALTH_VARIABLE: address})
