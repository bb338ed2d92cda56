"""The ports that a server needs, before Java takes them."""

import contextlib
import socket
from collections.abc import Sequence

from ..endpoint import Endpoint
from ..errors import BerthError
from ..settings import variable


def require_free_ports(endpoints: Sequence[Endpoint]) -> None:
    """BerthError for the first address that is taken. All are held together: two keys may share no port."""
    with contextlib.ExitStack() as held:
        for endpoint in endpoints:
            try:
                held.enter_context(_listen(endpoint))
            except OSError as error:
                value = "PORT" if endpoint.key.endswith("_port") else f"http://{endpoint.host}:PORT"
                raise BerthError(
                    f"cannot listen on {endpoint.host}:{endpoint.port} ({endpoint.key}): {error.strerror}; "
                    f"stop what listens there, or choose another port with {variable(endpoint.key)}={value}"
                ) from error


def _listen(endpoint: Endpoint) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        endpoint.host, endpoint.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Java does: TIME_WAIT is no hindrance
        listener.bind(address)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener
