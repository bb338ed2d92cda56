"""One locked front for the tests that only ask."""

from collections.abc import Iterator

import pytest

from berth.front.keys import KeySource
from tests.support.front.fronted import HAPROXY, Fronted, fronted

LINES = "ada open-sesame\nbob bobs-key 3\n"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A front needs HAProxy."""
    skip = pytest.mark.skip(reason="haproxy is not installed")
    for item in items:
        if not HAPROXY and "locked" in getattr(item, "fixturenames", ()):
            item.add_marker(skip)


@pytest.fixture(scope="package")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    """Keys of ada, and of bob who may ask 3 times a second; pages of https://app.example may ask."""
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text(LINES)
    environ = {"TS_CORS_ALLOWED_ORIGIN": "https://app.example, http://localhost:3000"}
    with fronted(KeySource(file=file, text=""), environ) as front:
        yield front
