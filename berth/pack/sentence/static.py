"""StaticEmbedding: a table in the place of a transformer."""

from collections.abc import Sequence
from pathlib import Path

from handler.vectors.static import STATIC

from ...checkpoint_files import CONFIG, load_json
from ...errors import Refused
from ...layouts.sentence import MODULES_FILE, Module
from ..checkpoint import Checkpoint
from .behind_pooling import weighted_modules

TABLE = "StaticEmbedding"


def is_static(modules: Sequence[Module]) -> bool:
    """Whether the first module is a table of tokens' vectors."""
    return bool(modules) and modules[0].kind == TABLE


def has_table(checkpoint: Checkpoint) -> bool:
    """Whether the checkpoint has such a table in the place of a transformer."""
    return load_json(checkpoint.root / CONFIG).get("model_type") == STATIC


def is_normalized(checkpoint: Path, modules: Sequence[Module]) -> bool:
    """Whether the mean is scaled to length 1; Refused where something else follows the table."""
    kinds = [module.kind for module in modules]
    if not set(kinds[1:]) <= {"Normalize"}:
        raise Refused(
            f"{checkpoint / MODULES_FILE} is {', '.join(kinds)}; berth serves {TABLE} and perhaps Normalize: serve "
            "this model with sentence-transformers"
        )
    weighted_modules(checkpoint, checkpoint, modules[1:])
    return len(kinds) > 1
