"""Two small archives, and one worker process each for all tests that need no other."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from berth.bulk.job import Job
from berth.bulk.prepare import prepare
from berth.bulk.workers import started_workers
from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from handler.config import Task
from tests.conftest import MakeCheckpoint
from tests.support.buckets import ACCESS
from tests.support.bulk import Bulk


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Archives are unpacked into a folder of these tests; the buckets of these tests let everybody in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        for name, value in ACCESS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def archive_of(checkpoint: MakeCheckpoint, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Task], Path]:
    """archive_of(task): a small seeded BERT, packed."""
    store = tmp_path_factory.mktemp("store")

    def archive(task: Task) -> Path:
        found = store / f"{task}.mar"
        if not found.exists():
            pack_checkpoint(checkpoint("bert", task), PackOptions(output=store, task=task, name=str(task)))
        return found

    return archive


@pytest.fixture(scope="session")
def embeddings(archive_of: Callable[[Task], Path]) -> Path:
    return archive_of(Task.EMBEDDINGS)


@pytest.fixture(scope="module")
def bulk(embeddings: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bulk]:
    """Runs in this process, with one worker that is started once."""
    nothing = tmp_path_factory.mktemp("nothing") / "a.txt"
    nothing.write_text("")
    job = Job(archive=embeddings, inputs=(str(nothing),), output=nothing.parent / "output")
    with started_workers(prepare(job).setups[:1]) as workers:
        yield Bulk(archive=embeddings, workers=workers)
