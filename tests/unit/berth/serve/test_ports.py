"""Ports, as far as they are tested without a server; archives are in tests/server."""

import socket

import pytest

from berth.endpoint import Endpoint
from berth.errors import BerthError
from berth.serve.ports import require_free_ports


def endpoint(port: int, key: str = "inference_address") -> Endpoint:
    return Endpoint(key=key, host="127.0.0.1", port=port)


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        return int(opened.getsockname()[1])


def test_free_ports_are_free_afterwards(free_port: int) -> None:
    require_free_ports([endpoint(free_port)])
    require_free_ports([endpoint(free_port)])


def test_a_taken_port_names_the_key_and_the_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(BerthError, match=f"{port} .grpc_inference_port.*TS_GRPC_INFERENCE_PORT=PORT"):
            require_free_ports([endpoint(port, "grpc_inference_port")])


def test_two_keys_may_not_share_a_port(free_port: int) -> None:
    with pytest.raises(BerthError, match="management_address"):
        require_free_ports([endpoint(free_port), endpoint(free_port, "management_address")])


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(BerthError, match=r"192\.0\.2\.1"):
        require_free_ports([Endpoint(key="inference_address", host="192.0.2.1", port=1)])
