"""A .mar that another tool packed, told apart from one of berth's that was altered."""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

from ..checkpoint_files import CONFIG, PICKLES, WEIGHTS
from ..errors import Refused
from .content import HANDLER, MANIFEST, SUMS

OURS = frozenset({SUMS, f"{HANDLER.replace('.', '/')}.py"})  # berth adds both, so one that is altered still has one
SHOWN_NAMES = 6
MAX_MANIFEST_BYTES = 1 << 16


def check_own(archive: Path) -> None:
    """Refused when a zip holds nothing that berth adds to an archive; what is not a zip is left to the verifier."""
    try:
        with zipfile.ZipFile(archive) as opened:
            names = opened.namelist()
            if OURS & set(names) or not names:
                return
            handler = _handler(opened) if MANIFEST in names else None
    except (OSError, zipfile.BadZipFile):
        return
    maker = f"torch-model-archiver's, with the handler {handler}" if handler else "a zip without a handler"
    raise Refused(
        f"{archive} was not packed by berth: it is {maker}, and holds {_shown(names)}; {_advice(archive, names)}"
    )


def is_own(archive: Path) -> bool:
    """Whether a .mar has what berth adds, altered or not."""
    try:
        with zipfile.ZipFile(archive) as opened:
            return bool(OURS & set(opened.namelist()))
    except (OSError, zipfile.BadZipFile):
        return False


def carries_checkpoint(names: Sequence[str]) -> bool:
    """Whether files of these names, folders apart, are a checkpoint of Hugging Face's format."""
    files = {Path(name).name for name in names}
    return CONFIG in files and bool(files & {WEIGHTS, *PICKLES})


def _handler(opened: zipfile.ZipFile) -> str:
    """The handler that the manifest names."""
    with opened.open(MANIFEST) as file:
        try:
            return str(json.loads(file.read(MAX_MANIFEST_BYTES))["model"]["handler"])
        except (ValueError, KeyError, TypeError):
            return "that its manifest does not name"


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(sorted(names)[:SHOWN_NAMES]) + more


def _advice(archive: Path, names: Sequence[str]) -> str:
    if carries_checkpoint(names):
        return f"`berth pack {archive}` packs the checkpoint in it with berth's own handler"
    return "it carries no checkpoint: pack the folder that it was made of with `berth pack FOLDER`"
