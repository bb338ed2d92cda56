"""A checkpoint to damage, and what is said of it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from berth.errors import Refused
from berth.pack.check.files import check_files
from berth.pack.load_checkpoint import load_checkpoint
from handler.config import Task

LFS_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0a1b\nsize 17082987\n"
PAGE = "\n<!DOCTYPE html><html><title>Sign in</title></html>"
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


def set_json(path: Path, **settings: object) -> None:
    """Change settings of a JSON file, which may not be there yet."""
    values = (json.loads(path.read_text("utf-8")) if path.exists() else {}) | settings
    path.write_text(json.dumps(values), "utf-8")


def refusal(folder: Path) -> str:
    """What files alone say against a checkpoint."""
    with pytest.raises(Refused) as refused:
        check_files(load_checkpoint(folder, None))
    return str(refused.value)
