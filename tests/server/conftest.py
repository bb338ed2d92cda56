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
def sample_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample model's archive, bert.mar."""
    return pack_checkpoint(None, PackOptions(output=tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="package")
def answering_server(sample_archive: Path, tiny: Path) -> Iterator[Server]:
    """Both models, ready."""
    tiny_archive = pack_checkpoint(tiny, PackOptions(output=sample_archive.parent))
    with running_server([sample_archive, tiny_archive]) as server:
        yield server
