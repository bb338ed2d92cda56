"""A checkpoint's folder on disk: its JSON, its weights, and which of its files travel in an archive.

Nothing here loads weights or runs code. A file outside the folder is never read, but for the Hugging Face
cache, whose snapshots are links to the blobs beside them.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import Refused

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


def travelling_files(
    folder: Path, root: Path, subfolders: tuple[str, ...], weighted: tuple[str, ...], model_class: str
) -> tuple[str, ...]:
    """What travels of `root`, the part of `folder` with the transformer, sorted: weights, configs and tokenizer.

    `subfolders` are those of other modules, `weighted` those of them with weights of their own.
    """
    places = (root, *(root / name for name in weighted))
    if pickled := [place for place in places if _is_pickled(place)]:
        raise Refused(
            f"the weights in {' and '.join(map(str, pickled))} are there only as pickles, which can run any code when "
            f"they are loaded. If you trust them, convert them once with python, then pack the new folder:\n"
            f"{conversion(folder, root, pickled, model_class)}"
        )
    weights = [file for place in places for file in _weights(place)]
    files = {*weights, *_beside_weights(root, subfolders)}
    for file in files:
        _check_link(root, file)
    return tuple(sorted(file.relative_to(root).as_posix() for file in files))


def _beside_weights(root: Path, subfolders: tuple[str, ...]) -> Iterator[Path]:
    for folder in (root, *(root / name for name in subfolders)):
        for file in folder.iterdir() if folder.is_dir() else ():
            if file.is_file() and file.suffix in TRAVELLING_SUFFIXES and file.name not in NOT_TRAVELLING:
                yield file


def _is_pickled(place: Path) -> bool:
    has_safetensors = any((place / name).is_file() for name in (WEIGHTS, WEIGHTS_INDEX))
    return not has_safetensors and any((place / name).is_file() for name in PICKLES)


def _weights(place: Path) -> list[Path]:
    """The safetensors files; Refused when there are none."""
    if (place / WEIGHTS).is_file():
        return [place / WEIGHTS]
    if (place / WEIGHTS_INDEX).is_file():
        return [place / WEIGHTS_INDEX, *_shards(place)]
    raise Refused(f"{place} holds no {WEIGHTS}: berth packs safetensors only")


def conversion(folder: Path, root: Path, pickled: Sequence[Path], model_class: str) -> str:
    """Python lines that copy `folder`, with safetensors for what is pickled: the model in `root`, other modules."""
    target = Path(f"{folder}-safetensors")
    lines = [
        "import safetensors.torch, shutil, torch, transformers",
        f"shutil.copytree({str(folder)!r}, {str(target)!r}, ignore=shutil.ignore_patterns('*.bin*'))",
    ]
    for place in pickled:
        converted = target / place.relative_to(folder)
        if place == root:  # transformers 5 writes nothing but safetensors
            lines.append(
                f"transformers.{model_class}.from_pretrained({str(place)!r}).save_pretrained({str(converted)!r})"
            )
        else:
            weights = f"torch.load({str(place / PICKLES[0])!r}, weights_only=True)"
            lines.append(f"safetensors.torch.save_file({weights}, {str(converted / WEIGHTS)!r})")
    return "\n".join(f"    {line}" for line in lines)


def _shards(root: Path) -> list[Path]:
    shards = load_json(root / WEIGHTS_INDEX).get("weight_map")
    names = sorted({str(name) for name in shards.values()}) if isinstance(shards, dict) else []
    wrong = [name for name in names if Path(name).suffix != ".safetensors" or not (root / name).is_file()]
    if wrong or not names:
        raise Refused(
            f"{root / WEIGHTS_INDEX} names {wrong[0] if wrong else 'no shard'}: download the checkpoint again"
        )
    return [root / name for name in names]


def _check_link(root: Path, file: Path) -> None:
    """Refused when `file` is a link out of the checkpoint, the Hugging Face cache's own blobs excepted."""
    target, inside = file.resolve(), root.resolve()
    blobs = inside.parent.parent / "blobs"  # models--org--name/snapshots/<commit>/<file> -> ../../blobs/<digest>
    if not target.is_relative_to(inside) and not target.is_relative_to(blobs):
        raise Refused(f"{file} leads outside the checkpoint, to {target}: copy the file into the folder")
