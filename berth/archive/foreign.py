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
    names = _names(archive)
    if OURS & set(names) or not names:
        return
    maker = f"torch-model-archiver's, with {_handler(archive)}" if MANIFEST in names else "a zip without a handler"
    raise Refused(
        f"{archive} was not packed by berth: it is {maker}, and holds {_shown(names)}; {_advice(archive, names)}"
    )


def is_own(archive: Path) -> bool:
    """Whether a .mar has what berth adds, altered or not."""
    return bool(OURS & set(_names(archive)))


def carries_checkpoint(names: Sequence[str]) -> bool:
    """Whether files of these names, folders apart, are a checkpoint of Hugging Face's format."""
    files = {Path(name).name for name in names}
    return CONFIG in files and bool(files & {WEIGHTS, *PICKLES})


def _names(archive: Path) -> list[str]:
    """The names of all members; none where it is not a zip that can be read."""
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.namelist()
    except Exception:  # noqa: BLE001 - zipfile raises a dozen kinds
        return []


def _handler(archive: Path) -> str:
    """The handler that the manifest names, for a sentence."""
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(MANIFEST) as file:
            return f"the handler {json.loads(file.read(MAX_MANIFEST_BYTES))['model']['handler']}"
    except Exception:  # noqa: BLE001 - damaged, encrypted, not JSON: it is refused whatever it says
        return "a manifest that names no handler or cannot be read"


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(sorted(names)[:SHOWN_NAMES]) + more


def _advice(archive: Path, names: Sequence[str]) -> str:
    if carries_checkpoint(names):
        return f"`berth pack {archive}` packs the checkpoint in it with berth's own handler"
    return "it carries no checkpoint: pack the folder that it was made of with `berth pack FOLDER`"
