"""From outside a container, without a key: four ports are open, and none of them leads to what manages the models."""

from collections.abc import Iterator

import pytest

from tests.support.tables import table

from .podman import PORTS, Container, started_container
from .scan import MANAGEMENT, MANAGEMENT_METHODS, METHODS, PATHS, ask_all, call_all, open_ports

HTTP_PORTS = (8080, 8082, 8090)
GRPC_PORT = 7070
