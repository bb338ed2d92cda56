"""Fixtures that every test may use: small real checkpoints, made once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from transformers.utils import logging as transformers_logging

from handler.config import Task

from .checkpoints import make_checkpoint
from .intents import Trained, train_intents

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
