"""Takes the tensors out of pickles and writes them as safetensors; runs in berth/convert/isolated.py.

`weights_only` makes nothing but tensors and plain containers; a pickle that wants anything else is refused.
"""

import pickle
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from ..errors import Refused

WRAPPERS = ("state_dict", "model_state_dict", "model")  # where training loops keep the weights
PARALLEL = "module."  # torch.nn.DataParallel's
WANTED = re.compile(r"GLOBAL ([\w.]+)")
EMBEDDINGS = ("embeddings.weight", "embed_tokens.weight")
MAX_WORDS = 200


def run(job: Mapping[str, Any]) -> str:
    """Convert every pair of `files`, one at a time: the pickle, and the file to write."""
    notes = [convert_pickle(Path(source), Path(target)) for source, target in job["files"]]
    return "; ".join(dict.fromkeys(note for note in notes if note))


def convert_pickle(source: Path, target: Path) -> str:
    """Write the tensors of `source` into `target`; returns what else was done, empty for nothing."""
    loaded, wrapper = _unwrapped(source, _load(source))
    tensors = {name: tensor for name, tensor in loaded.items() if isinstance(tensor, Tensor)}
    if not tensors:
        raise Refused(f"{source} holds no tensors by name: save the weights with model.save_pretrained")
    is_parallel = all(name.startswith(PARALLEL) for name in tensors)
    named = {name.removeprefix(PARALLEL) if is_parallel else name: each for name, each in tensors.items()}
    try:
        save_file(kept_once(named), target, {"format": "pt"})
    except (ValueError, RuntimeError) as error:
        raise Refused(f"{source} has weights that safetensors cannot hold: {_words(error)}") from error
    taken = f"the weights were taken from its {wrapper!r}" if wrapper else ""
    return "; ".join(filter(None, (taken, f"{PARALLEL!r} was taken off their names" if is_parallel else "")))


def kept_once(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without shared memory: an embedding matrix stays once, as transformers ties it; others are copied."""
    kept = {}
    for names in _sharing(tensors):
        main = next((name for name in names if name.endswith(EMBEDDINGS)), None)
        for place, name in enumerate(names):
            tensor = tensors[name]
            if name != main and main is not None and _is_same(tensor, tensors[main]):
                continue
            kept[name] = (tensor.clone() if place else tensor).contiguous()
    return kept


def _sharing(tensors: Mapping[str, Tensor]) -> Iterable[list[str]]:
    """The names of tensors that lie in one piece of memory, together."""
    groups: dict[object, list[str]] = defaultdict(list)
    for name, tensor in tensors.items():
        is_plain = tensor.layout == torch.strided and tensor.numel()
        groups[tensor.untyped_storage().data_ptr() if is_plain else name].append(name)
    return groups.values()


def _is_same(one: Tensor, other: Tensor) -> bool:
    return (one.data_ptr(), one.shape, one.stride()) == (other.data_ptr(), other.shape, other.stride())


def _unwrapped(source: Path, loaded: object) -> tuple[dict[str, object], str]:
    """The weights by name, and the name under which a training loop kept them."""
    if not isinstance(loaded, dict):
        raise Refused(f"{source} holds a {type(loaded).__name__} and no weights: save them with model.save_pretrained")
    for name in WRAPPERS:
        if isinstance(inner := loaded.get(name), dict):
            return inner, name
    return loaded, ""


def _load(source: Path) -> object:
    """What the pickle holds; Refused when it is damaged, or wants more than tensors."""
    try:
        # Mapped, so that only the tensor that is being written needs memory; the format before torch 1.6 has no zip.
        loaded: object = torch.load(source, weights_only=True, map_location="cpu", mmap=zipfile.is_zipfile(source))
    except pickle.UnpicklingError as error:
        if wanted := WANTED.search(str(error)):
            raise Refused(
                f"{source} is a pickle that wants {wanted[1].rstrip('.')}, and berth takes only tensors out of a "
                "pickle; nothing of it was run: save the weights alone, with model.save_pretrained"
            ) from error
        raise Refused(_damaged(source, error)) from error
    except Exception as error:  # a damaged file makes torch raise anything
        raise Refused(_damaged(source, error)) from error
    return loaded


def _damaged(source: Path, error: Exception) -> str:
    return f"{source} is damaged, or was not written by torch.save: {_words(error)}; download the checkpoint again"


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:MAX_WORDS]}"
