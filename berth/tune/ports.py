"""Ports for a server beside others: free a moment ago, and the variables that give them to it."""

import contextlib
from collections.abc import Mapping

from ..clients.launcher import HEALTH_VARIABLE
from ..front.plan import unused_ports
from ..settings import override_variable

HTTP_PORTS = ("inference", "management", "metrics")
GRPC_PORTS = ("grpc_inference", "grpc_management")


def free_ports() -> dict[str, int]:
    """Find a port for every address of a server, of those that Linux gives to no connection meanwhile."""
    with contextlib.closing(unused_ports(frozenset())) as ports:
        return {name: next(ports) for name in (*HTTP_PORTS, *GRPC_PORTS, "health")}


def free_port() -> int:
    """Find one such port."""
    with contextlib.closing(unused_ports(frozenset())) as ports:
        return next(ports)


def port_variables(ports: Mapping[str, int]) -> dict[str, str]:
    """Return the environment variables that give a server these ports."""
    http = {override_variable(f"{name}_address"): f"http://127.0.0.1:{ports[name]}" for name in HTTP_PORTS}
    grpc = {override_variable(f"{name}_port"): str(ports[name]) for name in GRPC_PORTS}
    return {**http, **grpc, HEALTH_VARIABLE: f"127.0.0.1:{ports['health']}"}
