"""What the suites of one model share: the model that the module names MODEL, and that nothing costs its worker."""

from collections.abc import Iterator

import pytest

from tests.support.clients import Model
from tests.support.servers import Server


@pytest.fixture
def model(request: pytest.FixtureRequest, tasks_server: Server) -> Model:
    return tasks_server.model(request.module.MODEL)


@pytest.fixture
def same_worker(request: pytest.FixtureRequest, tasks_server: Server) -> Iterator[None]:
    before = tasks_server.worker_pids(request.module.MODEL)
    yield
    assert tasks_server.worker_pids(request.module.MODEL) == before
