"""A head that is a LoRA of peft's: what its files must be, so that a worker can read each text with it, unmerged."""

import re
from pathlib import Path

from ...checkpoint_files import CONFIG, load_json
from ...convert.folders import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from ...errors import Refused
from ...stored_tensors import stored_tensors
from .frozen import is_of_head

WEIGHTS, PICKLE = ADAPTER_WEIGHTS
PREFIX = "base_model.model."  # of the names in peft's files
MATRIX = re.compile(r"(?P<layer>.+)\.lora_[AB]\.weight")
OTHER_KINDS = ("use_dora", "rank_pattern", "alpha_pattern", "layer_replication", "corda_config", "use_bdlora")
OTHER_PROJECTIONS = frozenset({"deberta", "deberta-v2"})
"""Types of models that send their relative positions through a text's own layers."""
WHOLE = "give the merged model (peft: merge_and_unload) an archive of its own"


def is_lora(folder: Path) -> bool:
    """Whether a folder holds an adapter of peft's."""
    return (folder / ADAPTER_CONFIG).is_file()


def adapter_files(folder: Path) -> dict[str, Path]:
    """What the archive holds of an adapter, by its name there: peft's own two files."""
    return {name: folder / name for name in (ADAPTER_CONFIG, WEIGHTS)}


def adapted_tensors(head: str, folder: Path, prefix: str, model_type: object) -> set[str]:
    """The names of the encoder's tensors that the adapter in `folder` changes; Refused where it is no plain LoRA."""
    settings = load_json(folder / ADAPTER_CONFIG)
    others = [name for name in OTHER_KINDS if settings.get(name)]
    if settings.get("peft_type") != "LORA" or others:
        found = others[0] if others else settings.get("peft_type")
        raise Refused(
            f"--head {head}: {folder / ADAPTER_CONFIG} has {found}, and only a plain LoRA shares a base: {WHOLE}"
        )
    if model_type in OTHER_PROJECTIONS:
        raise Refused(f"--head {head}: a {model_type} is not read with one LoRA for each text: {WHOLE}")
    if not (folder / WEIGHTS).is_file():
        raise Refused(f"--head {head}: {folder} has no {WEIGHTS}: save the adapter with safe_serialization=True")
    names = [name.removeprefix(PREFIX) for name in stored_tensors([folder / WEIGHTS])]
    return {_adapted(head, folder, name) for name in names if not is_of_head(name, prefix)}


def _adapted(head: str, folder: Path, name: str) -> str:
    """The tensor that a matrix of the adapter changes."""
    if not (found := MATRIX.fullmatch(name)):
        raise Refused(
            f"--head {head}: {folder / WEIGHTS} has {name}, which no plain LoRA of linear layers has: {WHOLE}"
        )
    return f"{found['layer']}.weight"


def model_type_of(folder: Path) -> object:
    """What config.json calls the type of its model."""
    return load_json(folder / CONFIG).get("model_type")
