"""Checks the ports that a server needs before java takes them."""

import contextlib
import socket
from collections.abc import Sequence

from ..endpoint import Endpoint
from ..errors import BerthError
from ..settings import override_variable


def require_free_ports(endpoints: Sequence[Endpoint]) -> None:
    """Raise BerthError for the first address that is taken.

    All are held at the same time, so two keys with one port are found too.
    """
    with contextlib.ExitStack() as held:
        for endpoint in endpoints:
            try:
                held.enter_context(_listen(endpoint))
            except OSError as error:
                value = "PORT" if endpoint.key.endswith("_port") else f"http://{endpoint.host}:PORT"
                raise BerthError(
                    f"cannot listen on {endpoint.host}:{endpoint.port} ({endpoint.key}): {error.strerror}; "
                    f"stop what listens there, or choose another port with {override_variable(endpoint.key)}={value}"
                ) from error


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
