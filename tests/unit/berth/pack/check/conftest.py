"""A checkpoint to damage."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from handler.config import Task

Copy = Callable[..., Path]


@pytest.fixture
def copy(checkpoint, tmp_path) -> Copy:
    """copy(architecture, *names): a classifier's folder, to change; without the tokenizer's files but for `names`."""

    def copied(architecture: str, *names: str, without_tokenizer: bool = True) -> Path:
        folder = Path(shutil.copytree(checkpoint(architecture, Task.TEXT_CLASSIFICATION), tmp_path / "model"))
        for file in folder.iterdir() if without_tokenizer else ():
            if file.name not in {"config.json", "model.safetensors", *names}:
                file.unlink()
        return folder

    return copied
