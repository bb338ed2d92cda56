"""Which of a checkpoint's files travel in an archive.

`transformer` is the folder with config.json; a `module` is it, or a folder inside with weights of its own. Nothing here
loads weights or runs code. A file outside the checkpoint is never read, but for the Hugging Face cache, whose snapshots
are links to the blobs beside them.
"""

from collections.abc import Iterator
from pathlib import Path

from ..checkpoint_files import PICKLES, WEIGHTS, WEIGHTS_INDEX, is_inside, load_json
from ..errors import Refused
from ..safetensors_header import read_header

TRAVELLING_SUFFIXES = (".json", ".txt", ".model")  # configs; vocabularies and merges; SentencePiece
NOT_TRAVELLING = (WEIGHTS_INDEX, *PICKLES)
FLOATS = ("BF16", "F16", "F32", "F64")


def travelling_files(transformer: Path, inner: tuple[str, ...], weighted: tuple[str, ...]) -> tuple[str, ...]:
    """What travels of the transformer's folder, sorted: weights, configs and tokenizer.

    `inner` names the folders of other modules in it, `weighted` those of them with weights of their own.
    """
    modules = (transformer, *(transformer / name for name in weighted))
    weights = [file for module in modules for file in _weights(module)]
    files = {*weights, *_beside_weights(transformer, inner)}
    for file in files:
        _check_link(transformer, file)
    for file in weights:
        _check_types(file)
    return tuple(sorted(file.relative_to(transformer).as_posix() for file in files))


def _beside_weights(transformer: Path, inner: tuple[str, ...]) -> Iterator[Path]:
    """The small files of the transformer and of the modules in it."""
    for module in (transformer, *(transformer / name for name in inner)):
        for file in module.iterdir() if module.is_dir() else ():
            if file.is_file() and file.suffix in TRAVELLING_SUFFIXES and file.name not in NOT_TRAVELLING:
                yield file


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


def _check_types(file: Path) -> None:
    """Refuse weights that are no plain floats: quantised ones mean nothing without the library that made them."""
    if file.suffix != ".safetensors":
        return
    try:
        with file.open("rb") as opened:
            tensors = read_header(opened, str(file))
    except ValueError:  # check/files.py says what is wrong with it
        return
    for name, tensor in tensors.items():
        if name.endswith("weight") and tensor.dtype not in FLOATS:
            raise Refused(
                f"{file} holds {name} as {tensor.dtype}, and berth packs weights of {', '.join(FLOATS)}: take the "
                "checkpoint before it was quantised, or have the library that did it turn it back and save that"
            )
