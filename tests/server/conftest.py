"""Three servers for the tests that only ask, each started once.

One has the sample (embeddings) as `bert` and a small classifier as `tiny`, one the sample alone, and one a small model
of every task.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from handler.config import Task
from tests.support.servers import Server, running_server

from .task_models import make_task_folders


@pytest.fixture(scope="package")
def answering_server(sample_archive: Path, tiny: Path) -> Iterator[Server]:
    """Both models, ready."""
    tiny_archive = pack_checkpoint(tiny, PackOptions(output=sample_archive.parent, force=True)).archive
    with running_server([sample_archive, tiny_archive]) as server:
        yield server


@pytest.fixture(scope="package")
def sample_server(sample_archive: Path) -> Iterator[Server]:
    """The sample alone, ready."""
    with running_server([sample_archive]) as server:
        yield server


@pytest.fixture(scope="package")
def task_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[Task, Path]:
    """A checkpoint for each task."""
    return make_task_folders(tmp_path_factory.mktemp("tasks"))


@pytest.fixture(scope="package")
def task_archives(task_folders: dict[Task, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[Task, Path]:
    """Each of them packed, and named like its task."""
    store = tmp_path_factory.mktemp("task-store")
    return {
        task: pack_checkpoint(folder, PackOptions(task=task, output=store)).archive
        for task, folder in task_folders.items()
    }


@pytest.fixture(scope="package")
def tasks_server(task_archives: dict[Task, Path]) -> Iterator[Server]:
    """Eight models with one worker each; ready."""
    with running_server(list(task_archives.values())) as server:
        yield server
