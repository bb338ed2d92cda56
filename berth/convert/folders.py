"""Where the weights of a checkpoint lie: names and JSON alone."""

from pathlib import Path

from ..checkpoint_files import PICKLES, WEIGHTS, WEIGHTS_INDEX
from ..layouts.sentence import load_modules, transformer_folder

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
ADAPTER_FOLDER = ".adapter"
"""Where an adapter lies in a copy, beneath its base: transformers takes one beside the weights for the model itself."""


def module_folders(folder: Path) -> tuple[Path, ...]:
    """The folders that may hold weights: the checkpoint's own, then those of sentence-transformers' modules."""
    inner = [folder / name for name in dict.fromkeys(module.path for module in load_modules(folder)) if name]
    return (folder, *(path for path in inner if path.is_dir()))


def transformer_of(folder: Path) -> Path:
    """The folder of the transformer: old sentence-transformers put it into 0_Transformer."""
    return transformer_folder(folder, load_modules(folder))


def has_safetensors(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (WEIGHTS, WEIGHTS_INDEX))


def has_weights(folder: Path) -> bool:
    """Whether the folder has weights of a form that berth takes."""
    return has_safetensors(folder) or any((folder / name).is_file() for name in (*PICKLES, *ADAPTER_WEIGHTS))
