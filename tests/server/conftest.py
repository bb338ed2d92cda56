"""One server for the tests that only ask: the sample (embeddings) as `bert`, a small classifier as `tiny`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from berth.pack import PackOptions, pack_checkpoint
from handler.config import Task

from ..checkpoints import make_checkpoint
from .servers import Server, running_server


@pytest.fixture(scope="package")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small seeded classifier's checkpoint."""
    return make_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny", "bert", Task.TEXT_CLASSIFICATION)


@pytest.fixture(scope="package")
def answering_server(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Iterator[Server]:
    """Both models, ready."""
    store = tmp_path_factory.mktemp("store")
    archives = [pack_checkpoint(checkpoint, PackOptions(output=store)) for checkpoint in (None, tiny)]
    with running_server(archives) as server:
        yield server
