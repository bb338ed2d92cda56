"""The files of a checkpoint on disk: their names, their JSON, and whether they are what they should be.

Nothing here loads weights or runs code.
"""

import json
import re
from pathlib import Path

from .errors import Refused

CONFIG = "config.json"
TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")
HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
BEGINNING_BYTES = 200
LFS_POINTER = b"version https://git-lfs"
WEB_PAGES = (b"<!doctype html", b"<html")


def load_json(path: Path) -> dict[str, object]:
    """The JSON object in `path`, empty when there is no such file; Refused when it holds something else."""
    value = load_any_json(path) if path.exists() else {}
    if not isinstance(value, dict):
        raise Refused(f"{path} does not hold a JSON object: download the checkpoint again")
    return value


def load_any_json(path: Path) -> object:
    """The JSON value in `path`; Refused when it is not JSON."""
    check_whole(path)
    try:
        value: object = json.loads(path.read_bytes())
    except ValueError as error:
        raise Refused(f"{path} is not JSON: {error}") from error
    return value


def check_whole(path: Path) -> None:
    """Refuse a file that holds nothing, or what a download leaves in its place when it fails."""
    with path.open("rb") as file:
        beginning = file.read(BEGINNING_BYTES).lstrip().lower()
    if not beginning:
        raise Refused(f"{path} is empty: download the checkpoint again")
    if beginning.startswith(LFS_POINTER):
        raise Refused(f"{path} is a git-lfs pointer in the place of the file: run `git lfs pull` in {path.parent}")
    if beginning.startswith(WEB_PAGES):
        raise Refused(
            f"{path} is a web page in the place of the file, as a download without a login leaves it: download the "
            "checkpoint again with `hf download`"
        )


def is_inside(folder: Path, file: Path) -> bool:
    """Whether `file`, links followed, lies in `folder` or among the Hugging Face cache's blobs beside it."""
    target, inside = file.resolve(), folder.resolve()
    blobs = inside.parent.parent / "blobs"  # models--org--name/snapshots/<commit>/<file> -> ../../blobs/<digest>
    return target.is_relative_to(inside) or target.is_relative_to(blobs)
