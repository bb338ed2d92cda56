"""Where the weights of a checkpoint lie: names and JSON alone."""

from pathlib import Path

from ..checkpoint_files import PICKLES, WEIGHTS, WEIGHTS_INDEX, load_any_json

MODULES_FILE = "modules.json"  # of sentence-transformers
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
ADAPTER_FOLDER = ".adapter"
"""Where an adapter lies in a copy, beneath its base: transformers takes one beside the weights for the model itself."""


def module_folders(folder: Path) -> tuple[Path, ...]:
    """The folders that may hold weights: the checkpoint's own, then those of sentence-transformers' modules."""
    names = [str(module.get("path")) for module in _modules(folder) if module.get("path")]
    inner = [folder / name for name in dict.fromkeys(names) if Path(name).name == name]
    return (folder, *(path for path in inner if path.is_dir()))


def transformer_folder(folder: Path) -> Path:
    """The folder of the transformer: old sentence-transformers put it into 0_Transformer."""
    for module in _modules(folder):
        name = str(module.get("path"))
        if str(module.get("type")).endswith(".Transformer") and name and Path(name).name == name:
            return folder / name
    return folder


def has_safetensors(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (WEIGHTS, WEIGHTS_INDEX))


def has_weights(folder: Path) -> bool:
    """Whether the folder has weights of a form that berth takes."""
    return has_safetensors(folder) or any((folder / name).is_file() for name in (*PICKLES, *ADAPTER_WEIGHTS))


def _modules(folder: Path) -> list[dict[str, object]]:
    """The modules as sentence-transformers wrote them; none where the file is not its own: what packs it says so."""
    path = folder / MODULES_FILE
    steps = load_any_json(path) if path.is_file() else []
    return [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
