"""A checkpoint's files on disk: its JSON, its weights, and which of them travel in an archive.

`checkpoint` is the folder that the user names; `transformer` the one inside with config.json, often the same; a
`module` is a folder of either with weights of its own. Nothing here loads weights or runs code. A file outside the
checkpoint is never read, but for the Hugging Face cache, whose snapshots are links to the blobs beside them.
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
BEGINNING_BYTES = 200
LFS_POINTER = b"version https://git-lfs"
WEB_PAGES = (b"<!doctype html", b"<html")
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
    raise Refused(f"{path} is not a folder, and berth packs local folders; {advice}")


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


def travelling_files(
    checkpoint: Path, transformer: Path, inner: tuple[str, ...], weighted: tuple[str, ...], model_class: str
) -> tuple[str, ...]:
    """What travels of the transformer's folder, sorted: weights, configs and tokenizer.

    `inner` names the folders of other modules in it, `weighted` those of them with weights of their own.
    """
    modules = (transformer, *(transformer / name for name in weighted))
    if pickled := [module for module in modules if _is_pickled(module)]:
        raise Refused(
            f"the weights in {' and '.join(map(str, pickled))} are there only as pickles, which can run any code when "
            f"they are loaded. If you trust them, convert them once with python, then pack the new folder:\n"
            f"{conversion(checkpoint, transformer, pickled, model_class)}"
        )
    weights = [file for module in modules for file in _weights(module)]
    files = {*weights, *_beside_weights(transformer, inner)}
    for file in files:
        _check_link(transformer, file)
    return tuple(sorted(file.relative_to(transformer).as_posix() for file in files))


def conversion(checkpoint: Path, transformer: Path, pickled: Sequence[Path], model_class: str) -> str:
    """Lines of Python that copy the checkpoint, with safetensors in the place of the pickles in `pickled`."""
    target = Path(f"{checkpoint}-safetensors")
    lines = [
        "import safetensors.torch, shutil, torch, transformers",
        f"shutil.copytree({str(checkpoint)!r}, {str(target)!r}, ignore=shutil.ignore_patterns('*.bin*'))",
    ]
    for module in pickled:
        converted = target / module.relative_to(checkpoint)
        if module == transformer:  # transformers 5 writes nothing but safetensors
            lines.append(
                f"transformers.{model_class}.from_pretrained({str(module)!r}).save_pretrained({str(converted)!r})"
            )
        else:
            weights = f"torch.load({str(module / PICKLES[0])!r}, weights_only=True)"
            lines.append(f"safetensors.torch.save_file({weights}, {str(converted / WEIGHTS)!r})")
    return "\n".join(f"    {line}" for line in lines)


def _beside_weights(transformer: Path, inner: tuple[str, ...]) -> Iterator[Path]:
    """The small files of the transformer and of the modules in it."""
    for module in (transformer, *(transformer / name for name in inner)):
        for file in module.iterdir() if module.is_dir() else ():
            if file.is_file() and file.suffix in TRAVELLING_SUFFIXES and file.name not in NOT_TRAVELLING:
                yield file


def _is_pickled(module: Path) -> bool:
    has_safetensors = any((module / name).is_file() for name in (WEIGHTS, WEIGHTS_INDEX))
    return not has_safetensors and any((module / name).is_file() for name in PICKLES)


def _weights(module: Path) -> list[Path]:
    """The module's safetensors files; Refused when there are none."""
    if (module / WEIGHTS).is_file():
        return [module / WEIGHTS]
    if (module / WEIGHTS_INDEX).is_file():
        return [module / WEIGHTS_INDEX, *_shards(module)]
    raise Refused(f"{module} has no {WEIGHTS}, and berth packs safetensors only: save the model as safetensors")


def _shards(module: Path) -> list[Path]:
    """The safetensors files that the index names; Refused when one is not there."""
    shards = load_json(module / WEIGHTS_INDEX).get("weight_map")
    names = sorted({str(name) for name in shards.values()}) if isinstance(shards, dict) else []
    wrong = [name for name in names if Path(name).suffix != ".safetensors" or not (module / name).is_file()]
    if wrong or not names:
        found = f"{wrong[0]}, which is not a safetensors file beside it" if wrong else "no weights at all"
        raise Refused(f"{module / WEIGHTS_INDEX} names {found}: download the checkpoint again")
    return [module / name for name in names]


def _check_link(transformer: Path, file: Path) -> None:
    """Refused when `file` is a link out of the checkpoint."""
    if not is_inside(transformer, file):
        raise Refused(f"{file} leads outside the checkpoint, to {file.resolve()}: copy the file into the folder")


def is_inside(folder: Path, file: Path) -> bool:
    """Whether `file`, links followed, lies in `folder` or among the Hugging Face cache's blobs beside it."""
    target, inside = file.resolve(), folder.resolve()
    blobs = inside.parent.parent / "blobs"  # models--org--name/snapshots/<commit>/<file> -> ../../blobs/<digest>
    return target.is_relative_to(inside) or target.is_relative_to(blobs)
