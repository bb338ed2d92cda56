"""The table's short form: the clients whose packages the tests have anyway. `make clients` runs them all."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.front.haproxy import needs_haproxy

from .place import Place
from .running import OURS, rows
from .servers import places

pytestmark = [pytest.mark.server, needs_haproxy]

SHORT = (*(client for client in OURS if client != "browser"), "page")  # which only some machines have


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Place]]:
    with places(tmp_path_factory.mktemp("clients"), ["one"]) as found:
        yield found


@pytest.mark.parametrize("client", SHORT)
def test_every_call_gets_what_its_row_promises(client: str, one: dict[str, Place]) -> None:
    made = list(rows(Path(sys.executable), client, one))
    assert made
    assert [f"{row.call}: {row.wrong}" for row in made if row.wrong] == []
