"""Gateways before the package's servers, whose addresses are TorchServe's own."""

from collections.abc import Iterator

import pytest

from handler.config import Task
from tests.support.front.gateway import Gateway, running_gateway
from tests.support.servers import Server


@pytest.fixture(scope="package")
def gateway(tasks_server: Server) -> Iterator[Gateway]:
    """Before a model of every task."""
    models = {str(task): ["1.0"] for task in Task}
    with running_gateway(tasks_server.inference_url, tasks_server.health_url, models) as running:
        yield running
