"""The files below a folder of this machine. Links are followed, and what cannot be read is said."""

import os
from collections.abc import Iterator
from pathlib import Path

from ...errors import UsageError

HIDDEN = (".", "_")
"""With which the names begin of what Spark and others hide (_SUCCESS, .part.crc)."""


def walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield each folder that is not hidden, `root` first, and the names in it that are no folders'.

    A folder comes once, however many links lead to it, and at its own place where that is below `root`: no file is read
    twice, and a link to a folder above itself leads nowhere. UsageError where one cannot be read.
    """
    seen: set[tuple[int, int]] = set()
    links = [root]
    for link in links:  # which grows meanwhile
        for name, folders, files in os.walk(link, onerror=_refuse):
            folder = Path(name)
            if identity(folder) in seen:
                folders.clear()
                continue
            seen.add(identity(folder))
            folders[:] = sorted(each for each in folders if not each.startswith(HIDDEN))
            links += [folder / each for each in folders if (folder / each).is_symlink()]
            yield folder, files


def identity(path: Path) -> tuple[int, int]:
    """The same for all paths of one file or folder; OSError."""
    stat = path.stat()
    return stat.st_dev, stat.st_ino


def require_target(path: Path) -> None:
    """UsageError for a link to nothing: a file, or a whole folder of them, would be left out without a word."""
    if path.is_symlink() and not path.exists():
        raise UsageError(f"{path} is a link to {path.readlink()}, which is not there: mount it, or remove the link")


def _refuse(error: OSError) -> None:
    raise UsageError(
        f"the folder {error.filename} cannot be read: {error.strerror}; check its permissions, or name other inputs"
    ) from error
