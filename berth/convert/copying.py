"""A copy of a checkpoint's folder that conversions may change: hard links, wherever the file system allows them.

What is large and no weights stays behind, as do hidden folders and the older checkpoints of a training. A link that
leads outside the checkpoint stays a link, so that what refuses one still sees it.
"""

import os
import shutil
from pathlib import Path

from ..checkpoint_files import is_inside

MAX_OTHER_BYTES = 64 << 20  # the largest tokenizer.json known has 17 MB (XLM-R); optimizer states have gigabytes
WEIGHTS_SUFFIXES = (".bin", ".safetensors")
NOT_COPIED = (".", "checkpoint-")


def copy_folder(source: Path, target: Path, left_out: frozenset[str] = frozenset()) -> None:
    """Put what belongs to the checkpoint `source` into `target`, but for names that are there or in `left_out`."""
    _copy(source, source, target, left_out)


def _copy(root: Path, source: Path, target: Path, left_out: frozenset[str]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for item in source.iterdir():
        place = target / item.name
        if item.is_dir():
            if not item.is_symlink() and not item.name.startswith(NOT_COPIED):
                _copy(root, item, place, left_out)
        elif item.name not in left_out and not os.path.lexists(place) and _belongs(item):
            _place(root, item, place)


def _belongs(item: Path) -> bool:
    """Whether a file, or a link that leads nowhere, may be one of a checkpoint's."""
    return not item.exists() or item.suffix in WEIGHTS_SUFFIXES or item.stat().st_size <= MAX_OTHER_BYTES


def _place(root: Path, item: Path, place: Path) -> None:
    """The bytes of `item` at `place`; a link where they are none of the checkpoint's."""
    if not item.exists() or not is_inside(root, item):
        place.symlink_to(item.absolute())
        return
    try:
        os.link(os.path.realpath(item), place)
    except OSError:  # another file system, or a file of another user
        shutil.copyfile(item, place)
