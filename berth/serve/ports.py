"""Checks the ports that a server needs before java takes them."""

import contextlib
import os
import socket
from collections.abc import Mapping, Sequence

from ..clients.launcher import HEALTH_VARIABLE, health_endpoint
from ..endpoint import Endpoint
from ..errors import BerthError
from ..settings import override_variable


def require_free_ports(endpoints: Sequence[Endpoint], environ: Mapping[str, str] = os.environ) -> None:
    """Raise BerthError for all addresses that are taken, that of the health probes among them.

    All are held at the same time, so two keys with one port are found too.
    """
    taken: list[tuple[Endpoint, str]] = []
    ours: dict[str, str] = {}
    with contextlib.ExitStack() as held:
        for endpoint in (*endpoints, health_endpoint(environ)):
            try:
                held.enter_context(_listen(endpoint))
                ours[endpoint.address] = endpoint.key
            except OSError as error:
                same = ours.get(endpoint.address)
                taken.append((endpoint, f"{same} is there too" if same else str(error.strerror)))
    if taken:
        where = ", ".join(f"{endpoint.address} ({endpoint.key}): {reason}" for endpoint, reason in taken)
        others = " ".join(_other(endpoint) for endpoint, _ in taken)
        raise BerthError(f"cannot listen on {where}; stop what listens there, or choose another port with {others}")


def _other(endpoint: Endpoint) -> str:
    """The setting that moves it, as a shell reads it."""
    if endpoint.key == HEALTH_VARIABLE:
        return f"{HEALTH_VARIABLE}={endpoint.with_port('PORT')}"
    value = "PORT" if endpoint.key.endswith("_port") else f"http://{endpoint.with_port('PORT')}"
    return f"{override_variable(endpoint.key)}={value}"


def _listen(endpoint: Endpoint) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        endpoint.host, endpoint.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as java does: TIME_WAIT does not count
        listener.bind(address)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener
