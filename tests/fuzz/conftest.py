"""The server that the short form asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers import Server, sample_and_tiny


@pytest.fixture(scope="package")
def answering_server(sample_archive: Path, tiny: Path) -> Iterator[Server]:
    """The sample and a small classifier, ready."""
    with sample_and_tiny(sample_archive, tiny) as server:
        yield server
