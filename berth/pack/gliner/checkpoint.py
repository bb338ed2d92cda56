"""A GLiNER model, its encoder taken out (berth/convert/gliner) -> Checkpoint."""

from collections.abc import Mapping
from pathlib import Path

from handler.config import Task
from handler.spans.settings import HEAD_FOLDER

from ...checkpoint_files import TOKENIZER, load_json
from ...errors import Refused
from ...layouts.gliner import GLINER_CONFIG, span_settings
from ..checkpoint import Checkpoint
from ..files import travelling_files

TOKENS_PER_WORD = 4  # of a text without positions: one of max_len words, of most languages, is read at once


def load_gliner_checkpoint(folder: Path, task: Task | None, max_tokens: int) -> Checkpoint:
    """The checkpoint in a folder; `max_tokens`: what its encoder takes. Refused when it is asked for another task."""
    if task not in (None, Task.ZERO_SHOT_TOKEN_CLASSIFICATION):
        raise Refused(
            f"{folder} is a GLiNER model, which answers {Task.ZERO_SHOT_TOKEN_CLASSIFICATION}: leave --task out"
        )
    spans = span_settings(folder)
    _check_tokens(folder, spans.type_token)
    return Checkpoint(
        root=folder.resolve(),
        files=travelling_files(folder, (HEAD_FOLDER,), (HEAD_FOLDER,)),
        task=Task.ZERO_SHOT_TOKEN_CLASSIFICATION,
        is_task_told=True,
        max_tokens=max_tokens,
        spans=spans,
    )


def tokens_without_positions(folder: Path, config: Mapping[str, object]) -> int | None:
    """How many tokens are read at once where no position is embedded (DeBERTa-v3); None where one is.

    gliner bounds words alone then, and a text of max_len words may have more tokens than max_position_embeddings.
    """
    if config.get("position_biased_input", True) is not False:
        return None
    return TOKENS_PER_WORD * span_settings(folder).max_words


def _check_tokens(folder: Path, type_token: str) -> None:
    """Refuse a tokenizer that has another number for the types' token than the model was trained with."""
    told = load_json(folder / GLINER_CONFIG).get("class_token_index", -1)
    added = load_json(folder / TOKENIZER).get("added_tokens")
    found = {each.get("content"): each.get("id") for each in added} if isinstance(added, list) else {}
    if type_token not in found or told not in (-1, found[type_token]):
        raise Refused(
            f"{folder / TOKENIZER} numbers {type_token} {found.get(type_token)}, and class_token_index is {told} in "
            f"{GLINER_CONFIG}: save both again with gliner's save_pretrained"
        )
