"""A file or a folder by its address, wherever it lies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ...errors import BerthError, UsageError
from .folder import Folder, Written
from .local import LocalFolder, find_local, rejects_beside, write_local

Place = Path
"""Where a file or a folder lies: it has `parts`, and `str` of it is its name for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a file before it is read."""

    start: bytes
    """Its first eight bytes, or all."""
    size: int
    stamp: Mapping[str, object]
    """What changes with its content: when it was modified."""


def find_files(name: str, is_input: Callable[[str], bool]) -> list[Place]:
    """The files of a path, a folder or a glob, in the order of their paths, and of a folder only those that are inputs.

    `is_input` is given a path below the folder. A folder may have none; UsageError where nothing has this name.
    """
    if "://" in name:
        raise UsageError(f"{name}: only files of this machine are read yet: copy it here first")
    return list(find_local(name, is_input))


def is_within(place: Place, folder: str) -> bool:
    """Whether it lies in this folder, or is it."""
    root = Path(folder).absolute()
    return root.is_dir() and place.absolute().is_relative_to(root)


def look_at(place: Place) -> Facts:
    """Open a file; OSError."""
    with place.open("rb") as file:
        start = file.read(8)
    stat = place.stat()
    return Facts(start=start, size=stat.st_size, stamp={"modified_ns": stat.st_mtime_ns})


def open_file(place: Place) -> IO[bytes]:
    """A file, for reading from any byte on; OSError."""
    return place.open("rb")


def open_for_arrow(place: Place) -> Any:
    """A file as pyarrow reads it, ranges only; OSError."""
    import pyarrow as pa  # noqa: PLC0415 - the command's help needs none

    return pa.OSFile(str(place))


def unreadable(place: Place, error: Exception, what: str) -> BerthError:
    """Why reading a file ended; `what` says how it looks if nothing is known of the place."""
    del error
    return UsageError(f"{place} {what}")


def hold_folder(place: Place) -> Folder:
    """The output folder, held by this run alone; Refused, UsageError."""
    return LocalFolder(place)


def write_part(file: str, content: bytes) -> Written:
    """Write a part where `Folder.draft` said; OSError names it where the place takes no more."""
    return write_local(Path(file), content)


def write_rejects(file: str, content: bytes) -> None:
    """Write what the part there rejects."""
    write_local(rejects_beside(Path(file)), content)
