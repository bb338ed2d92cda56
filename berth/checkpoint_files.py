"""The files of a checkpoint on disk: their names, their JSON, and whether they are what they should be.

Nothing here loads weights or runs code.
"""

import codecs
import json
import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from .errors import Refused

CONFIG = "config.json"
TOKENIZER = "tokenizer.json"
SPARSE_LINEAR, COLBERT_LINEAR = TOKEN_MODULES = ("sparse_linear", "colbert_linear")  # bge-m3's; pickles, as published
TOKENIZER_CONFIG = "tokenizer_config.json"
QUERY_TABLE = "query_table"
"""The folder of the weights of a sparse encoder's queries, and of their tokenizer (berth/convert/modules/routes.py)."""
# A tokenizer is one of the first, with what lies beside it.
VOCABULARY_FILES = (
    *(TOKENIZER, "vocab.txt", "vocab.json", "tokenizer.model", "spiece.model", "spm.model"),
    *("sentencepiece.bpe.model", "sentencepiece.model"),
)
TOKENIZER_FILES = (
    *(*VOCABULARY_FILES, "merges.txt"),
    *(TOKENIZER_CONFIG, "special_tokens_map.json", "added_tokens.json"),
)
WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")
REPOSITORY = "models--"  # models--org--name/snapshots/<commit>, refs/main; huggingface_hub's cache
HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
BEGINNING_BYTES = 200
LFS_POINTER = b"version https://git-lfs"
WEB_PAGES = (b"<!doctype html", b"<html", b"<?xml")
BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def load_json(path: Path) -> dict[str, object]:
    """The JSON object in `path`, empty when there is no such file; Refused when it holds something else."""
    return _object(path, load_any_json(path)) if os.path.lexists(path) else {}


def load_json_strictly(path: Path) -> dict[str, object]:
    """As load_json, and Refused for NaN and Infinity, which Python reads and JSON does not have."""
    return _object(path, load_any_json(path, partial(_refuse_constant, path)))


def _object(path: Path, value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise Refused(f"{path} does not hold a JSON object: download the checkpoint again")
    return value


def _refuse_constant(path: Path, name: str) -> object:
    raise Refused(f"{path} holds {name}, which is not JSON and no setting of a model: write a number in its place")


def load_any_json(path: Path, constant: Callable[[str], object] | None = None) -> object:
    """The JSON value in `path`, where `constant` reads NaN and Infinity; Refused when it is not JSON."""
    try:
        value: object = json.loads(load_text(path), parse_constant=constant)
    except RecursionError as error:
        raise Refused(f"{path} is nested too deeply to be a file of a checkpoint: download it again") from error
    except ValueError as error:
        raise Refused(f"{path} is not JSON: {error}; download the checkpoint again") from error
    return value


def load_text(path: Path) -> str:
    """The text in `path`; Refused when it is not UTF-8, or begins with a mark that transformers does not read."""
    check_whole(path)
    content = path.read_bytes()
    if content.startswith(BYTE_ORDER_MARKS):
        raise Refused(f"{path} begins with a byte order mark: save it as UTF-8 without one (`iconv`, or your editor)")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Refused(f"{path} is not UTF-8: {error}; save it as UTF-8, or download the checkpoint again") from error


def check_whole(path: Path) -> None:
    """Refuse what is no file or cannot be read, holds nothing, or is what a failed download leaves in its place."""
    beginning = _beginning(path).lstrip().lower()
    if not beginning:
        raise Refused(f"{path} is empty: download the checkpoint again")
    if beginning.startswith(LFS_POINTER):
        raise Refused(f"{path} is a git-lfs pointer in the place of the file: run `git lfs pull` in {path.parent}")
    if beginning.startswith(WEB_PAGES):
        raise Refused(
            f"{path} is a web page in the place of the file, as a download without a login leaves it: download the "
            "checkpoint again with `hf download`"
        )


def _beginning(path: Path) -> bytes:
    """The first bytes of a file; Refused for whatever else has its name, or when it cannot be read."""
    try:
        if path.is_symlink() and not path.exists():
            raise Refused(f"{path} is a link to {path.readlink()}, which is not there: copy the file into its place")
        if not path.is_file():  # to open a pipe would wait for ever
            what = "a folder" if path.is_dir() else "neither a file nor a folder, and stands"
            raise Refused(f"{path} is {what} in the place of a file: download the checkpoint again")
        with path.open("rb") as file:
            return file.read(BEGINNING_BYTES)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}; see to it that `head -c 9 {path}` works") from error


def is_inside(folder: Path, file: Path) -> bool:
    """Whether `file`, links followed, lies in `folder` or among the blobs of the Hugging Face cache that it is in."""
    target, inside = file.resolve(), folder.resolve()
    return any(target.is_relative_to(place) for place in (inside, *_blobs(inside)))


def _blobs(folder: Path) -> Iterator[Path]:
    """models--org--name/blobs, for models--org--name/snapshots/<commit> and the folders in it: its files are links."""
    for parent in folder.parents:
        if parent.name == "snapshots" and parent.parent.name.startswith(REPOSITORY):
            yield parent.parent / "blobs"
