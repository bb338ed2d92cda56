"""Whether a disk has room for what is about to be written to it."""

import shutil
from pathlib import Path

from ..errors import Refused

MB = 1e6


def require_room(folder: Path, size_bytes: int, what: str, advice: str) -> None:
    """Refuse `what` when the disk of `folder` has less than `size_bytes` free; `advice` says how to use another."""
    free_bytes = shutil.disk_usage(existing(folder)).free
    if size_bytes > free_bytes:
        raise Refused(
            f"{what} takes {size_bytes / MB:,.0f} MB and {folder} has {free_bytes / MB:,.0f} MB free: "
            f"make room there, or {advice}"
        )


def existing(folder: Path) -> Path:
    """`folder`, or the nearest folder around it that is there."""
    return next(each for each in (folder, *folder.absolute().parents) if each.exists())
