"""pytorch_model.bin and its shards, of the transformer and of other modules, become safetensors.

The pickles are read in berth/convert/unpickle.py, in a process of its own.
"""

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ..checkpoint_files import PICKLES, WEIGHTS, WEIGHTS_INDEX, check_whole, is_inside, load_json
from ..errors import Refused
from ..progress import Progress
from ..safetensors_header import read_header
from .child import run_isolated
from .folders import ADAPTER_FOLDER, ADAPTER_WEIGHTS, has_safetensors, module_folders, transformer_of

PICKLE, PICKLE_INDEX = PICKLES
ADAPTER, ADAPTER_PICKLE = ADAPTER_WEIGHTS
ZIP, PICKLED = b"PK\x03\x04", b"\x80"
Pairs = list[tuple[Path, Path]]


def applies(folder: Path) -> bool:
    """Whether weights are there only as pickles; Refused when one is damaged, missing or outside the checkpoint."""
    pairs = _pairs(folder)
    for source, _ in pairs:
        check_pickle(folder, source)
    return bool(pairs)


def convert(folder: Path, progress: Progress) -> str:
    """Write safetensors in the place of the pickles."""
    progress.begin("converting the weights")
    pairs = _pairs(folder)
    job = {"files": [(str(source), str(target)) for source, target in pairs]}
    note = run_isolated("unpickle", job, folder, sum(source.stat().st_size for source, _ in pairs))
    for module in module_folders(folder):
        if (module / PICKLE_INDEX).exists() and not (module / WEIGHTS).exists():
            _write_index(module, [target for _, target in pairs if target.parent == module])
    for source, _ in pairs:
        source.unlink()
    sources = ", ".join(source.relative_to(folder).as_posix() for source, _ in pairs)
    return f"{sources} became safetensors" + (f"; {note}" if note else "")


def _pairs(folder: Path) -> Pairs:
    """Every pickle that must be converted, and the file that it becomes."""
    pairs = [pair for module in module_folders(folder) if not has_safetensors(module) for pair in _of_module(module)]
    transformer = transformer_of(folder)
    for place in (transformer, transformer / ADAPTER_FOLDER):
        if (place / ADAPTER_PICKLE).is_file() and not (place / ADAPTER).is_file():
            pairs.append((place / ADAPTER_PICKLE, place / ADAPTER))
    return pairs


def _of_module(module: Path) -> Iterator[tuple[Path, Path]]:
    """The module's one pickle, as transformers prefers it, or its shards."""
    if (module / PICKLE).is_file():
        yield module / PICKLE, module / WEIGHTS
    elif (module / PICKLE_INDEX).is_file():
        for name in _shards(module / PICKLE_INDEX):
            yield module / name, module / (re.sub("^pytorch_model", "model", Path(name).stem) + ".safetensors")


def _shards(index: Path) -> list[str]:
    """The pickles that the index names; Refused when one is not there."""
    shards = load_json(index).get("weight_map")
    names = sorted({str(name) for name in shards.values()}) if isinstance(shards, dict) else []
    missing = [name for name in names if Path(name).name != name or not (index.parent / name).is_file()]
    if missing or not names:
        found = f"{missing[0]}, which is not a file beside it" if missing else "no weights at all"
        raise Refused(f"{index} names {found}: download the checkpoint again")
    return names


def check_pickle(folder: Path, source: Path) -> None:
    """Refuse what can be seen to be no pickle of torch's, or lies outside the checkpoint."""
    if not is_inside(folder, source):
        raise Refused(f"{source} leads outside the checkpoint, to {source.resolve()}: copy the file into the folder")
    check_whole(source)
    with source.open("rb") as file:
        beginning = file.read(len(ZIP))
        is_cut_off = beginning == ZIP and not zipfile.is_zipfile(file)
    if is_cut_off:
        raise Refused(f"{source} is cut off, for the end of its zip is missing: download the checkpoint again")
    if not beginning.startswith((ZIP, PICKLED)):
        raise Refused(f"{source} was not written by torch.save: download the checkpoint again")


def _write_index(module: Path, shards: list[Path]) -> None:
    """The index of shards that were converted."""
    weight_map: dict[str, str] = {}
    for shard in shards:
        with shard.open("rb") as file:
            weight_map |= dict.fromkeys(read_header(file, str(shard)), shard.name)
    size_bytes = sum(shard.stat().st_size for shard in shards)
    index = {"metadata": {"total_size": size_bytes}, "weight_map": weight_map}
    (module / WEIGHTS_INDEX).write_text(json.dumps(index), "utf-8")
    (module / PICKLE_INDEX).unlink()
