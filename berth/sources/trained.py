"""What transformers.Trainer leaves: a folder with checkpoint-500, checkpoint-1000, perhaps a model of its own."""

import re
import shlex
from pathlib import Path

from ..checkpoint_files import CONFIG, TOKENIZER_FILES, VOCABULARY_FILES, load_json
from ..errors import Refused
from .needed import CHECKPOINT, weights_of

STATE = "trainer_state.json"
MODULES = "modules.json"  # sentence-transformers: the tokenizer may lie in a module's folder
SENSIBLE = re.compile(r"[A-Za-z0-9][\w.-]*")


def name_of_training(folder: Path) -> str | None:
    """The name of the folder around a checkpoint-N, when it can be a model's; None for any other folder."""
    outer = folder.resolve().parent.name
    return outer if CHECKPOINT.fullmatch(folder.resolve().name) and SENSIBLE.fullmatch(outer) else None


def chosen_checkpoint(folder: Path) -> tuple[Path, str]:
    """The folder to pack of a training's output folder, and the sentence that says why; any other folder and "".

    Raises Refused when a checkpoint lacks the tokenizer and another folder of the training has it.
    """
    if CHECKPOINT.fullmatch(folder.resolve().name):
        _require_tokenizer(folder, folder.resolve().parent)
        return folder, ""
    steps = _checkpoints(folder)
    if not steps:
        return folder, ""
    if _holds_model(folder):
        return folder, f"{folder} holds a model of its own beside {_listed(steps)}: its own was packed"
    checkpoint, why = _best(folder, steps)
    _require_tokenizer(checkpoint, folder)
    return checkpoint, f"of {_listed(steps)}, {checkpoint.name} was packed: {why}"


def _best(folder: Path, steps: list[Path]) -> tuple[Path, str]:
    """The checkpoint that the newest trainer_state.json calls the best, else the last; and why, in words."""
    states = [load_json(each / STATE) for each in (folder, *reversed(steps)) if (each / STATE).is_file()]
    best = states[0].get("best_model_checkpoint") if states else None
    if not isinstance(best, str):
        return steps[-1], f"it is the last, and no {STATE} names a best"
    name = best.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]  # written where the training ran
    for step in steps:
        if step.name == name:
            return step, f"it is the best by {STATE}"
    return steps[-1], f"it is the last, and {name}, the best by {STATE}, is not there"


def _checkpoints(folder: Path) -> list[Path]:
    """The checkpoint-N folders that hold a model, by N."""
    steps = {int(match[1]): each for each in folder.iterdir() if (match := CHECKPOINT.fullmatch(each.name))}
    return [steps[number] for number in sorted(steps) if _holds_model(steps[number])]


def _holds_model(folder: Path) -> bool:
    names = {each.name for each in folder.iterdir()} if folder.is_dir() else set()
    return bool(weights_of(names)) or MODULES in names


def _require_tokenizer(checkpoint: Path, training: Path) -> None:
    """Refuse a checkpoint without a tokenizer when the folder around it, or another checkpoint, has one."""
    if _tokenizer_files(checkpoint) or not (checkpoint / CONFIG).is_file() or (checkpoint / MODULES).is_file():
        return
    for other in (training, *reversed(_checkpoints(training))):
        if files := _tokenizer_files(other):
            raise Refused(
                f"{checkpoint} has no tokenizer, but {other} has one: copy it with "
                f"`{shlex.join(['cp', *map(str, files), str(checkpoint)])}`, and pack again"
            )


def _tokenizer_files(folder: Path) -> list[Path]:
    """All files of the tokenizer in `folder`; none when there is only its settings."""
    if not any((folder / name).is_file() for name in VOCABULARY_FILES):
        return []
    return [folder / name for name in TOKENIZER_FILES if (folder / name).is_file()]


def _listed(steps: list[Path]) -> str:
    """`checkpoint-500`; `checkpoint-500 and checkpoint-1000`; `checkpoint-500 to checkpoint-3000`."""
    if len(steps) == 1:
        return steps[0].name
    return f"{steps[0].name}{' and ' if len(steps) == 2 else ' to '}{steps[-1].name}"
