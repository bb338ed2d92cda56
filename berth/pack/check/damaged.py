"""Files that a download, a copy or an editor has spoiled, found before anything slow and named with the cure.

Only files that are read are looked at: JSON and vocabularies whole, weights by their header and length.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from ...checkpoint_files import (
    CONFIG,
    PICKLES,
    TOKENIZER,
    TOKENIZER_CONFIG,
    WEIGHTS,
    WEIGHTS_INDEX,
    check_whole,
    is_inside,
    load_json,
    load_json_strictly,
    load_text,
)
from ...errors import Refused
from ...layouts.sentence import MODEL_FILE, TRANSFORMER_FILES, load_modules
from ...safetensors_header import TensorEntry, read_header

OBJECTS = (
    CONFIG,
    TOKENIZER,
    TOKENIZER_CONFIG,
    "added_tokens.json",
    "special_tokens_map.json",
    "vocab.json",
    "adapter_config.json",
    "bert_config.json",
    MODEL_FILE,
    *TRANSFORMER_FILES,
)
TEXTS = ("vocab.txt", "merges.txt")
BINARIES = ("sentencepiece.bpe.model", "spiece.model", "spm.model", "adapter_model.safetensors")
NUMBERED = "model-*-of-*.safetensors"


def refuse_damaged(folder: Path) -> None:
    """Refuse a file that is not what its name says, and weights that are not all there."""
    _check_listed(folder)
    for module in (folder, *(folder / each.path for each in load_modules(folder) if each.path)):
        if module.is_dir():
            _check_module(module, {path.name for path in module.iterdir() if not _leads_away(folder, path)})


def _check_listed(folder: Path) -> None:
    try:
        next(folder.iterdir(), None)
        (folder / CONFIG).exists()  # whoever may list the names may yet not open one: PermissionError
    except OSError as error:
        raise Refused(f"{folder} cannot be read: {error.strerror}; see to it that `ls {folder}` works") from error


def _leads_away(folder: Path, path: Path) -> bool:
    """Whether it is a link to something outside the checkpoint, which is refused later, and never read."""
    try:
        return path.is_symlink() and path.exists() and not is_inside(folder, path)
    except OSError:
        return False  # what cannot be followed is named when it is opened


def _check_module(module: Path, names: set[str]) -> None:
    """Refuse what is damaged of one folder's own files."""
    for name in sorted(names & {*OBJECTS}):
        load_json_strictly(module / name)
    for name in sorted(names & {*TEXTS}):
        load_text(module / name)
    for name in sorted(names & {*BINARIES}):
        check_whole(module / name)
    for path in _weights(module, names):
        if path.suffix == ".safetensors":
            read_weights(path)
        else:
            check_whole(path)


def _weights(module: Path, names: set[str]) -> Iterator[Path]:
    """The files of weights that transformers would read: safetensors first, one file before shards."""
    for whole, index in ((WEIGHTS, WEIGHTS_INDEX), PICKLES):
        if whole in names:
            yield module / whole
            return
        if index in names:
            yield from _shards(module / index)
            return
    if numbered := sorted(module.glob(NUMBERED)):
        raise Refused(f"{numbered[0]} is one of several files, and {module} has no {WEIGHTS_INDEX}: download it too")


def _shards(index: Path) -> Iterator[Path]:
    """The files that an index names; Refused when one is missing."""
    placed = load_json(index).get("weight_map")
    if not isinstance(placed, dict) or not placed:
        raise Refused(f"{index} names no weights at all: download the checkpoint again")
    for name in sorted({str(name) for name in placed.values()}):
        path = index.parent / name
        if not path.is_symlink() and not path.exists():
            raise Refused(f"{index} names {name}, which is not there: download the checkpoint again")
        yield path


def read_weights(path: Path) -> Mapping[str, TensorEntry]:
    """Every tensor's entry in the header of a safetensors file; Refused when the file is cut short, or none."""
    check_whole(path)
    try:
        with path.open("rb") as file:
            entries = read_header(file, str(path))
            expected = file.tell() + max((entry.end for entry in entries.values()), default=0)
    except ValueError as error:
        raise Refused(f"{error}; download the checkpoint again") from error
    size = path.stat().st_size
    if size != expected:
        raise Refused(f"{path} has {size} bytes, and by its header it would have {expected}: download it again")
    return entries
