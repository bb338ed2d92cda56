"""A GLiClass model, its encoder taken out (berth/convert/gliclass) -> Checkpoint."""

from collections.abc import Mapping
from pathlib import Path

from handler.candidates.settings import HEAD_FOLDER
from handler.config import Task

from ...checkpoint_files import TOKENIZER_CONFIG, load_json
from ...errors import Refused
from ...layouts.gliclass import candidate_settings
from ..checkpoint import Checkpoint
from ..files import travelling_files

USUAL_TOKENS = 1024  # what gliclass's training and its pipeline read, where they are not told


def load_gliclass_checkpoint(folder: Path, task: Task | None, max_tokens: int) -> Checkpoint:
    """The checkpoint in a folder; `max_tokens`: what its encoder takes. Refused when it is asked for another task."""
    if task not in (None, Task.ZERO_SHOT_CLASSIFICATION):
        raise Refused(f"{folder} is a GLiClass model, which answers {Task.ZERO_SHOT_CLASSIFICATION}: leave --task out")
    if load_json(folder / TOKENIZER_CONFIG).get("truncation_side", "right") != "right":
        raise Refused(
            f"{folder / TOKENIZER_CONFIG}: truncation_side cuts a long text at its beginning, where the labels stand: "
            'write "right"'
        )
    return Checkpoint(
        root=folder.resolve(),
        files=travelling_files(folder, (HEAD_FOLDER,), (HEAD_FOLDER,)),
        task=Task.ZERO_SHOT_CLASSIFICATION,
        is_task_told=True,
        max_tokens=max_tokens,
        candidates=candidate_settings(folder),
    )


def longest_tokens(config: Mapping[str, object], positions: int | None) -> int | None:
    """How many tokens are read at once; where no position is embedded (DeBERTa-v3), as many as gliclass reads."""
    return USUAL_TOKENS if config.get("position_biased_input", True) is False else positions
