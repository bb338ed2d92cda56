"""A checkpoint's folder on disk: its JSON, its weights, and which of its files travel in an archive.

Nothing here loads weights or runs code. A file outside the folder is never read, but for the Hugging Face
cache, whose snapshots are links to the blobs beside them.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from .errors import Refused

WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")
TRAVELLING_SUFFIXES = (".json", ".txt", ".model")  # configs; vocabularies and merges; SentencePiece
NOT_TRAVELLING = (WEIGHTS_INDEX, *PICKLES)
HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


def local_folder(path: Path) -> Path:
    """`path` when it is a folder; Refused with the way to get one when it is not."""
    if path.is_dir():
        return path
    if path.exists():
        raise Refused(f"{path} is a file: give the folder that holds config.json and model.safetensors")
    advice = "give a folder that holds config.json and model.safetensors"
    if HUB_ID.fullmatch(str(path)):
        advice = f"a model of the Hugging Face Hub is downloaded with: hf download {path} --local-dir {path.name}"
    raise Refused(f"{path} is no folder, and berth packs local folders; {advice}")


def load_json(path: Path) -> dict[str, object]:
    """The JSON object in `path`, empty when there is no such file; Refused when it holds something else."""
    value = load_any_json(path) if path.exists() else {}
    if not isinstance(value, dict):
        raise Refused(f"{path} holds no JSON object")
    return value


def load_any_json(path: Path) -> object:
    """The JSON value in `path`; Refused when it is none."""
    try:
        value: object = json.loads(path.read_bytes())
    except ValueError as error:
        raise Refused(f"{path} is not JSON: {error}") from error
    return value


def travelling_files(folder: Path, root: Path, subfolders: tuple[str, ...], model_class: str) -> tuple[str, ...]:
    """What travels of `root`, the part of `folder` with the weights: they, configs, tokenizer, `subfolders`; sorted."""
    names = {*_weights(folder, root, model_class), *_beside_weights(root, subfolders)}
    for name in names:
        _check_link(root, root / name)
    return tuple(sorted(names))


def _beside_weights(root: Path, subfolders: tuple[str, ...]) -> Iterator[str]:
    for folder in (root, *(root / name for name in subfolders)):
        for file in folder.iterdir() if folder.is_dir() else ():
            if file.is_file() and file.suffix in TRAVELLING_SUFFIXES and file.name not in NOT_TRAVELLING:
                yield file.relative_to(root).as_posix()


def _weights(folder: Path, root: Path, model_class: str) -> list[str]:
    """The safetensors files; Refused when there are none, with the lines that make them out of pickles."""
    if (root / WEIGHTS).is_file():
        return [WEIGHTS]
    if (root / WEIGHTS_INDEX).is_file():
        return [WEIGHTS_INDEX, *_shards(root)]
    if any((root / name).is_file() for name in PICKLES):
        raise Refused(
            f"{root} holds its weights only as pickles, which can run any code when they are loaded. If you "
            f"trust them, convert them once with python, then pack the new folder:\n"
            f"{conversion(folder, root, model_class)}"
        )
    raise Refused(f"{root} holds no {WEIGHTS}: berth packs safetensors only")


def conversion(folder: Path, root: Path, model_class: str) -> str:
    """Python lines that copy `folder`, its weights in `root` as safetensors (transformers 5 writes no other)."""
    source, target = str(folder), f"{folder}-safetensors"
    weights, converted = str(root), str(Path(target) / root.relative_to(folder))
    return (
        "    import shutil, transformers\n"
        f"    shutil.copytree({source!r}, {target!r}, ignore=shutil.ignore_patterns('*.bin*'))\n"
        f"    transformers.{model_class}.from_pretrained({weights!r}).save_pretrained({converted!r})"
    )


def _shards(root: Path) -> list[str]:
    shards = load_json(root / WEIGHTS_INDEX).get("weight_map")
    names = sorted({str(name) for name in shards.values()}) if isinstance(shards, dict) else []
    wrong = [name for name in names if Path(name).suffix != ".safetensors" or not (root / name).is_file()]
    if wrong or not names:
        raise Refused(
            f"{root / WEIGHTS_INDEX} names {wrong[0] if wrong else 'no shard'}: download the checkpoint again"
        )
    return names


def _check_link(root: Path, file: Path) -> None:
    """Refused when `file` is a link out of the checkpoint, the Hugging Face cache's own blobs excepted."""
    target, inside = file.resolve(), root.resolve()
    blobs = inside.parent.parent / "blobs"  # models--org--name/snapshots/<commit>/<file> -> ../../blobs/<digest>
    if not target.is_relative_to(inside) and not target.is_relative_to(blobs):
        raise Refused(f"{file} leads outside the checkpoint, to {target}: copy the file into the folder")
