"""Fixtures that every test may use: small real checkpoints and the sample's archive, made once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from transformers.utils import logging as transformers_logging

from berth.pack.options import PackOptions
from berth.pack.pack import pack_checkpoint
from handler.config import Task

from .support.checkpoints import make_checkpoint
from .support.intents import Trained, train_intents

transformers_logging.disable_progress_bar()

MakeCheckpoint = Callable[[str, Task], Path]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> MakeCheckpoint:
    """checkpoint(architecture, task): a small seeded checkpoint's folder, made at first use."""
    root = tmp_path_factory.mktemp("checkpoints")
    made: dict[tuple[str, Task], Path] = {}

    def folder(architecture: str, task: Task) -> Path:
        key = architecture, task
        if key not in made:
            made[key] = make_checkpoint(root / f"{architecture}-{task}", architecture, task)
        return made[key]

    return folder


@pytest.fixture(scope="session")
def intents(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """examples/intents, trained once."""
    return train_intents(tmp_path_factory.mktemp("intents") / "intents")


@pytest.fixture(scope="session")
def sample_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample model's archive, bert.mar."""
    return pack_checkpoint(None, PackOptions(output=tmp_path_factory.mktemp("store"))).archive


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small seeded classifier's checkpoint."""
    return make_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny", "bert", Task.TEXT_CLASSIFICATION)
