"""One Chromium for all tests of the page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.servers import Server

from .browser import CHROMIUM, Visit, chromium, screen, visit


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def tab(browser: Browser, tasks_server: Server) -> Iterator[Visit]:
    """A tab on the server with a model of every task."""
    with screen(browser) as context:
        yield visit(context, tasks_server.inference_url)
