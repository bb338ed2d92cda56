"""The server that the short form asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from tests.fuzz.models import THREE
from tests.support.checkpoints.bge_m3 import make_bge_m3
from tests.support.servers import Server, running_server


@pytest.fixture(scope="package")
def answering_server(sample_archive: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The sample, a small classifier, and a model of three kinds of vectors; ready."""
    store = tmp_path_factory.mktemp("fuzz-store")
    folders = tiny, make_bge_m3(store / THREE.name)
    archives = [pack_checkpoint(folder, PackOptions(output=store)).archive for folder in folders]
    with running_server([sample_archive, *archives]) as server:
        yield server
