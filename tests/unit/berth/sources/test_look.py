"""What the look before the weights raises is berth's own, and no word of the Hub's or a storage's."""

from pathlib import Path

import pytest

from berth.progress import Silence
from berth.sources.source import opened
from tests.support.hub.server import Hub

from .conftest import write_files


@pytest.mark.parametrize("address", ["org/tiny", "file"])
def test_an_error_of_berths_own_is_not_explained(hub: Hub, tmp_path: Path, address: str) -> None:
    address = write_files(tmp_path / "tiny").as_uri() if address == "file" else address

    def look(folder: Path) -> None:
        assert (folder / "config.json").is_file()
        raise KeyError("our own")

    with pytest.raises(KeyError, match="our own"), opened(address, Silence(), look):
        pass
